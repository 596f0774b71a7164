/** `crosspoint call URI`: a running gateway calls somebody, and it is watched until the end. */
import { setTimeout as sleep } from 'node:timers/promises'
import { GatewayError } from '../errors.ts'
import type { CallView, DialInput } from '../http/schemas/call.ts'
import { type Api, type ApiFlags, addApiFlags, createApi } from './api-client.ts'
import { describeCall } from './calls.ts'
import { type Define, examples } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { print, printJson } from './print.ts'
import { parseSeconds } from './seconds.ts'
import { untilStopped } from './signals.ts'

interface CallFlags extends ApiFlags {
  /** The stream that the far side becomes. */
  readonly to?: string
  /** The stream that it hears. */
  readonly from?: string
  readonly account?: string
  /** Seconds. */
  readonly ring?: number
  readonly duration?: number
  readonly detach?: boolean
}

const pollMs = 200

const pathOf = ({ id }: CallView): string => `/v1/calls/${id}`

/** Says each change of state once. */
const watch = async (api: Api, first: CallView, signal: AbortSignal): Promise<CallView> => {
  let call = first
  let said = ''
  while (call.state !== 'ended' && !signal.aborted) {
    const state = call.hold === 'none' ? call.state : `${call.state}, on hold ${call.hold.replace('-', ' ')}`
    if (state !== said) process.stderr.write(`${call.id}: ${state}\n`)
    said = state
    await sleep(pollMs)
    call = await api.get<CallView>(pathOf(call))
  }
  return call
}

const untilOver = async (
  api: Api,
  first: CallView,
  stop: AbortController,
  flags: CallFlags,
): Promise<CallView> => {
  const timer =
    flags.duration === undefined ? undefined : setTimeout(() => stop.abort(), flags.duration * 1000)
  const call = await watch(api, first, stop.signal)
  clearTimeout(timer)
  if (call.state === 'ended') return call
  await api.delete(pathOf(call))
  return api.get<CallView>(pathOf(call))
}

const failureOf = ({ answeredAt, reason, to }: CallView): GatewayError | undefined =>
  answeredAt !== null || reason === null || reason.code === 0
    ? undefined
    : new GatewayError('refused', `${to}: ${reason.detail}`)

const call = async (uri: string, flags: CallFlags): Promise<void> => {
  const api = createApi(flags)
  const request: DialInput = {
    to: uri,
    publish: flags.to,
    hear: flags.from,
    account: flags.account,
    ringMs: flags.ring === undefined ? undefined : flags.ring * 1000,
  }
  const stop = new AbortController()
  if (!flags.detach) void untilStopped().then(() => stop.abort())
  const first = await api.post<CallView>('/v1/calls', request)
  const last = flags.detach ? first : await untilOver(api, first, stop, flags)
  if (flags.json) printJson(last)
  else print(flags.detach ? `Call ${last.id} to ${last.to} is on its way.` : describeCall(last))
  const failure = failureOf(last)
  if (failure !== undefined) throw failure
}

export const define: Define = (command, finish) => {
  addApiFlags(command)
    .argument('<uri>', 'sip:user@host, sips:, or tel: through an account')
    .option('--to <stream>', 'the stream that the far side becomes')
    .option('--from <stream>', 'the stream that the far side hears')
    .option('--account <name>', 'through this registration or trunk')
    .option('--ring <seconds>', 'let it ring so long', parseSeconds)
    .option('--duration <seconds>', 'hang up after so long', parseSeconds)
    .option('--detach', 'do not wait for its end; otherwise Ctrl-C hangs up')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      examples(
        'call sip:1000@pbx.example --to calls/bob --from live/cam',
        'call tel:+4930123456 --account provider --from live/news --detach',
      ),
    )
    .action(async (uri: string, flags: CallFlags) => {
      await call(uri, flags)
      finish(EXIT.ok)
    })
}
