import { closable } from '../../core/scope.ts'
import type { Closable, Egress, Publication, Scope } from '../../core/types.ts'
import type { Adapter, AdapterContext, Capability, Listener } from '../adapter.ts'
import type { BoundAddress } from './addresses.ts'
import { type SipConfig, sipConfig, sipReload } from './config.ts'
import { Desk } from './desk.ts'
import { explainCall } from './explain.ts'

const capabilities: readonly Capability[] = [
  { codec: 'opus', form: 'rtp', note: 'where the phone offers it' },
  { codec: 'g722', form: 'rtp' },
  { codec: 'pcmu', form: 'rtp' },
  { codec: 'pcma', form: 'rtp' },
  { codec: 'h264', form: 'rtp', note: 'video calls; no B-frames towards phones' },
]

/** One for each context: however it is called, its calls are the same ones. */
const desks = new WeakMap<Scope, Desk>()
const deskOf = (context: AdapterContext, config: SipConfig): Desk => {
  const known = desks.get(context.scope)
  if (known !== undefined) return known
  const desk = new Desk(context, config)
  desks.set(context.scope, desk)
  return desk
}

const schemes: Readonly<Record<BoundAddress['transport'], string>> = {
  udp: 'sip',
  tcp: 'sip',
  tls: 'sips',
  ws: 'sip-ws',
  wss: 'sip-wss',
}

/** A registration is a way in as well. */
const isConfigured = ({ listen, tls, ws, listeners, accounts }: SipConfig): boolean =>
  [listen ?? undefined, tls, ws, ...listeners, ...Object.keys(accounts)].some(each => each !== undefined)

/** UDP and TCP are one door for people: they have one port. */
const isSecondOf = (doors: readonly BoundAddress[]) => (_door: unknown, index: number) => {
  const [before, own] = [doors[index - 1], doors[index]]
  return own?.transport === 'tcp' && before?.transport === 'udp' && own.port === before.port
}

const toldOf = ({ transport, host, port, oursOnly }: BoundAddress): string =>
  `${transport} ${host}:${port}${oursOnly ? ' (calls of ours only)' : ''}`

const warnUnheard = ({ log }: AdapterContext, { routes }: SipConfig): void => {
  if (routes.length > 0)
    log.warn({ routes: routes.length }, 'sip.routes has rules, but nobody can call: sip.listen is not set')
}

const listen = async (context: AdapterContext, config: SipConfig): Promise<Listener | undefined> => {
  if (!isConfigured(config)) {
    warnUnheard(context, config)
    return undefined
  }
  const board = await deskOf(context, config).open()
  const forOthers = board.addresses.filter(({ oursOnly }) => !oursOnly)
  const shown = forOthers.length > 0 ? forOthers : board.addresses
  const doors = shown.map((door): Listener => {
    return { ...closable(board.scope), address: door.host, port: door.port, scheme: schemes[door.transport] }
  })
  const told = board.addresses.map(toldOf).join(', ')
  context.log.info({ routes: config.routes.length }, `sip on ${told}, ${config.routes.length} rules`)
  const isSecond = isSecondOf(shown)
  const [first, ...further] = doors.filter((door, index) => !isSecond(door, index))
  const { address, port } = first!
  return { ...closable(board.scope), address, port, further }
}

/** A call of ours whose far side is published; it lasts as long as the call. */
const pull = async (
  context: AdapterContext,
  config: SipConfig,
  url: URL,
  publication: Publication,
): Promise<Closable> => {
  const { pullCall } = await import('./bridged-call.ts')
  return pullCall(await deskOf(context, config).open(), url, publication, context)
}

const push = async (context: AdapterContext, config: SipConfig, url: URL): Promise<Egress> => {
  const { pushCall } = await import('./bridged-call.ts')
  return pushCall(await deskOf(context, config).open(), url, context)
}

/** Phones, PBXes and trunks call, and are called. */
export const sip: Adapter<SipConfig> = {
  name: 'sip',
  schemes: ['sip', 'sips'],
  config: sipConfig,
  reload: sipReload,
  once: true,
  ingests: capabilities,
  egresses: capabilities,
  listen,
  pull,
  push,
  calls: deskOf,
  explainCalls: explainCall,
}
