/** `crosspoint calls [ID]`: phone calls of a running gateway, how they sound, and what is done with them. */
import type { Command } from 'commander'
import type { TransferResult } from '../adapters/call-desk.ts'
import { GatewayError } from '../errors.ts'
import type { AccountView, CallView } from '../http/schemas/call.ts'
import { type Api, type ApiFlags, addApiFlags, createApi } from './api-client.ts'
import { type Define, examples } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { columns, print, printJson } from './print.ts'
import { age, duration, facts } from './words.ts'

export const callsHead = [
  'ID',
  'WAY',
  'FROM',
  'TO',
  'STATE',
  'FOR',
  'CODEC',
  'LOSS',
  'MOS',
  'PUBLISHES',
  'HEARS',
]

const lasted = ({ since, answeredAt, endedAt }: CallView): string => {
  const start = answeredAt ?? since
  return endedAt === null ? age(start) : duration(Date.parse(endedAt) - Date.parse(start))
}

const lossOf = ({ received: { packets, lost } }: CallView['media'][number]): string =>
  packets + lost === 0 ? '–' : `${((100 * lost) / (packets + lost)).toFixed(1)} %`

const waits = { greeting: 'is greeted', pin: 'waits for a PIN' } as const

const stateOf = ({ state, waitsFor, hold, reason }: CallView): string =>
  facts(
    state,
    waitsFor !== null && waits[waitsFor],
    hold !== 'none' && `hold ${hold.replace('-', ' ')}`,
    reason !== null && reason.code > 0 && String(reason.code),
  )

export const callRow = (call: CallView): string[] => {
  const sound = call.media.find(({ kind }) => kind === 'audio')
  return [
    ...[
      call.id,
      call.direction === 'inbound' ? 'in' : 'out',
      call.from,
      call.to,
      stateOf(call),
      lasted(call),
    ],
    ...[sound?.codec ?? '–', sound === undefined ? '–' : lossOf(sound), sound?.mos?.toFixed(1) ?? '–'],
    ...[call.publish ?? '–', call.hear ?? '–'],
  ]
}

const droppedOf = ({ dropped }: Pick<CallView['media'][number]['sent'], 'dropped'>): string | false => {
  const reasons = Object.entries(dropped).map(([reason, count]) => `${reason} ${count}`)
  return reasons.length > 0 && `dropped: ${reasons.join(', ')}`
}

const mediaLines = (media: CallView['media'][number]): string[] => {
  const { kind, codec, direction, srtp, local, remote, latch, received, sent } = media
  return [
    facts(`${kind} ${codec}`, direction, srtp && 'SRTP', `${local} ↔ ${remote ?? '?'}`, `latch ${latch}`),
    facts(
      `  received ${received.packets} packets, ${received.lost} lost, jitter ${received.jitterMs.toFixed(1)} ms`,
      droppedOf(received),
      media.mos !== null && `MOS ${media.mos.toFixed(2)}`,
    ),
    facts(
      `  sent ${sent.packets} packets`,
      droppedOf(sent),
      media.remoteFractionLost !== null && `${(100 * media.remoteFractionLost).toFixed(1)} % lost there`,
      media.roundTripMs !== null && `round trip ${media.roundTripMs.toFixed(1)} ms`,
    ),
  ]
}

const streamsOf = ({ publish, hear, hearError, waitsFor }: CallView): string => {
  const nothing = waitsFor === null ? 'nothing' : 'nothing yet'
  const trouble = hearError === null ? '' : ` (${hearError})`
  return `publishes ${publish ?? nothing}, hears ${hear ?? nothing}${trouble}`
}

/** All that is known of one, for people. */
export const describeCall = (call: CallView): string =>
  [
    `${call.id}  ${call.from} → ${call.to}  ${facts(stateOf(call), lasted(call))}`,
    facts(
      `over ${call.peer}`,
      call.account !== null && `by ${call.account}`,
      call.route !== null && `rule ${call.route}`,
      call.asserted !== null && `asserted ${call.asserted}`,
      call.diverted.length > 0 && `diverted by ${call.diverted.join(', ')}`,
    ),
    streamsOf(call),
    ...call.media.flatMap(mediaLines),
    ...call.remarks,
    ...(call.reason === null ? [] : [`ended by ${call.reason.by}: ${call.reason.detail}`]),
  ].join('\n')

const pathOf = (id: string): string => `/v1/calls/${encodeURIComponent(id)}`

const calls = async (id: string | undefined, flags: ApiFlags): Promise<void> => {
  const api = createApi(flags)
  if (id !== undefined) {
    const call = await api.get<CallView>(pathOf(id))
    if (flags.json) printJson(call)
    else print(describeCall(call))
    return
  }
  const answer = await api.get<{ calls: CallView[] }>('/v1/calls')
  if (flags.json) printJson(answer)
  else if (answer.calls.length === 0) print('There are no calls.')
  else print(columns([callsHead, ...answer.calls.map(callRow)]))
}

const accounts = async (flags: ApiFlags): Promise<void> => {
  const answer = await createApi(flags).get<{ accounts: AccountView[] }>('/v1/accounts')
  const row = ({ name, uri, state, expiresAt, error, calls: count }: AccountView): string[] => [
    ...[name, uri, state, String(count)],
    ...[expiresAt === null ? '–' : duration(Date.parse(expiresAt) - Date.now()), error ?? ''],
  ]
  if (flags.json) printJson(answer)
  else if (answer.accounts.length === 0) print('There are no registrations and no trunks.')
  else
    print(
      columns([
        ['ACCOUNT', 'URI', 'STATE', 'CALLS', 'EXPIRES IN', 'LAST ERROR'],
        ...answer.accounts.map(row),
      ]),
    )
}

/** @throws GatewayError 'refused' when the far side tried and did not get through: it is still on the telephone */
const transfer = async (api: Api, id: string, to: string): Promise<string> => {
  const { done, detail } = await api.post<TransferResult>(`${pathOf(id)}/transfer`, { to })
  if (!done) throw new GatewayError('refused', `${id} was not transferred to ${to}: ${detail}`)
  return `transferred to ${to}`
}

const hear = async (api: Api, id: string, stream: string | undefined): Promise<string> => {
  const { hearError } = await api.patch<CallView>(pathOf(id), { hear: stream ?? null })
  return `hears ${stream ?? 'silence'}${hearError === null ? '' : ` (${hearError})`}`
}

export const define: Define = (command, finish) => {
  const done = async (work: Promise<unknown>): Promise<void> => {
    await work
    finish(EXIT.ok)
  }
  // Both it and the commands within it know --gateway.
  command.enablePositionalOptions()
  const tells = (name: string, what: string): Command =>
    addApiFlags(command.command(name).description(what)).argument('<id>', 'as "crosspoint calls" lists it')
  const tell = (flags: ApiFlags, id: string, run: (api: Api) => Promise<string>): Promise<void> =>
    done(run(createApi(flags)).then(what => print(`${id}: ${what}.`)))
  const post = (flags: ApiFlags, id: string, action: string, body: object, what: string): Promise<void> =>
    tell(flags, id, async api => {
      await api.post(`${pathOf(id)}/${action}`, body)
      return what
    })

  tells('hold', 'put the far side on hold').action((id: string, flags: ApiFlags) =>
    post(flags, id, 'hold', {}, 'on hold'),
  )
  tells('unhold', 'take it back').action((id: string, flags: ApiFlags) =>
    post(flags, id, 'unhold', {}, 'no longer on hold'),
  )
  tells('dtmf', 'key in digits')
    .argument('<digits>', '0-9 * # A-D')
    .action((id: string, digits: string, flags: ApiFlags) =>
      post(flags, id, 'dtmf', { digits }, `keyed in ${digits}`),
    )
  tells('hear', 'what the far side hears from now on')
    .argument('[stream]', 'left out: silence')
    .action((id: string, stream: string | undefined, flags: ApiFlags) =>
      tell(flags, id, api => hear(api, id, stream)),
    )
  tells('transfer', 'pass the far side on to somebody else')
    .argument('<uri>', 'sip:user@host')
    .action((id: string, to: string, flags: ApiFlags) => tell(flags, id, api => transfer(api, id, to)))
  addApiFlags(command.command('accounts').description('registrations at PBXes and providers, and trunks'))
    .option('--json', 'as JSON')
    .action((flags: ApiFlags) => done(accounts(flags)))

  addApiFlags(command)
    .argument('[id]', 'one call with its media')
    .option('--json', 'as JSON')
    .addHelpText('after', examples('calls', 'calls 1f3a9c02', 'calls dtmf 1f3a9c02 12#', 'calls accounts'))
    .action((id: string | undefined, flags: ApiFlags) => done(calls(id, flags)))
}
