import { lookup } from 'node:dns/promises'
import { access, constants } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { formatAddress } from '../../config/address.ts'
import { isPrivateAddress } from '../../net/private-addresses.ts'
import { loadOpus } from '../../transcode/voice/opus.ts'
import type { Finding } from './finding.ts'

interface Route {
  readonly called: string
  readonly name?: string | undefined
  readonly from?: readonly string[] | undefined
  readonly auth?: unknown
  readonly pin?: unknown
  readonly greeting?: string | undefined
}

interface Door {
  readonly listen: { readonly host: string; readonly port: number }
  readonly external?: string | null | undefined
}

/** Of the `sip` section. */
export interface SipSection {
  readonly listen: Door['listen'] | null
  readonly tls?: Door | undefined
  readonly ws?: Door | undefined
  readonly listeners?: readonly Door[]
  readonly external?: string | undefined
  readonly routes: readonly Route[]
  readonly accounts: Readonly<Record<string, { readonly uri: string }>>
  readonly trunks: Readonly<Record<string, { readonly uri: string }>>
}

const check = 'SIP'

/** Each door with the key that it is written under. */
const doorsOf = ({ listen, external, tls, ws, listeners = [] }: SipSection): [key: string, Door][] => [
  ...(listen === null ? [] : ([['sip', { listen, external }]] as [string, Door][])),
  ...Object.entries({ tls, ws }).flatMap(([key, door]): [string, Door][] =>
    door === undefined ? [] : [[`sip.${key}`, { external, ...door }]],
  ),
  ...listeners.map((door, index): [string, Door] => [`sip.listeners.${index}`, { external, ...door }]),
]

const NO_DOOR = 'no door for phones (sip.listen, tls, ws and listeners are not set), only calls of our own'

const checkRules = (section: SipSection): Finding => {
  const { routes, accounts } = section
  const registered = Object.keys(accounts).length
  if (doorsOf(section).length === 0 && registered === 0) return { check, state: 'ok', detail: NO_DOOR }
  if (routes.length === 0) {
    const mend = 'write rules into sip.routes; "crosspoint sip explain" says what they do'
    return { check, state: 'warn', detail: 'nobody can call: sip.routes has no rule', mend }
  }
  const open = routes.filter(({ from, auth, pin }) => from?.includes('any') && !auth && !pin)
  if (open.length === 0)
    return { check, state: 'ok', detail: `${routes.length} rules, ${registered} registrations` }
  const names = open.map(({ name, called }) => name ?? called).join(', ')
  const mend = 'give them auth or pin, or name networks in from'
  return { check, state: 'warn', detail: `everybody who reaches the door may call ${names}`, mend }
}

const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap(list =>
    (list ?? []).filter(({ internal, scopeid }) => !internal && !scopeid).map(({ address }) => address),
  )
const isLoopback = (host: string): boolean => host === '::1' || host.startsWith('127.')
const isAny = (host: string): boolean => host === '0.0.0.0' || host === '::'

/** Whether the address in our descriptions is one that phones elsewhere can send to. */
const checkDoor = (key: string, { listen, external }: Door, own: readonly string[]): Finding[] => {
  const told = { check: 'SIP address' }
  if (isLoopback(listen.host)) return []
  const who = key === 'sip' ? 'phones' : `phones that come to ${formatAddress(listen, '*')}`
  if (external != null) return [{ ...told, state: 'ok', detail: `${who} elsewhere are told ${external}` }]
  const addresses = isAny(listen.host) ? own : [listen.host]
  const detail = `${who} are told ${addresses.join(', ') || 'nothing, this machine has no address'}`
  // Without an external address by its own wish, a door is there for the inside.
  if (external === null || addresses.some(address => !isPrivateAddress(address)))
    return [{ ...told, state: 'ok', detail }]
  const mend = `phones and trunks elsewhere hear nothing: set ${key}.external to the address that they see`
  return [{ ...told, state: 'warn', detail, mend }]
}
const checkTold = (section: SipSection, own: readonly string[]): Finding[] =>
  doorsOf(section).flatMap(([key, door]) => checkDoor(key, door, own))

const hostOf = (uri: string): string => /^sips?:(?:[^@]*@)?(\[[^\]]*\]|[^:;?]+)/i.exec(uri)?.[1] ?? uri

/** Whether registrars and trunks have an address; with SRV records alone a name has none, and is still right. */
const checkNames = async ({ accounts, trunks }: SipSection): Promise<Finding[]> =>
  Promise.all(
    Object.entries({ ...accounts, ...trunks }).map(async ([name, { uri }]): Promise<Finding> => {
      const host = hostOf(uri).replace(/^\[|\]$/g, '')
      const found = await lookup(host).catch(() => undefined)
      const about = { check: `SIP ${name}` }
      if (found !== undefined) return { ...about, state: 'ok', detail: `${host} is ${found.address}` }
      const mend = 'look at the name, unless it has SRV records only; or give its proxy'
      return { ...about, state: 'warn', detail: `${host} has no address`, mend }
    }),
  )

/** A caller whose greeting cannot be played goes on without it, and wonders. */
const checkGreetings = async ({ routes }: SipSection): Promise<Finding[]> => {
  const greetings = new Set(routes.flatMap(({ greeting }) => greeting ?? []))
  const found = await Promise.all(
    [...greetings].map(async (path): Promise<Finding[]> => {
      const readable = await access(path, constants.R_OK).then(
        () => true,
        () => false,
      )
      const mend = 'put the file there, or take the greeting out of its rule'
      return readable
        ? []
        : [{ check: 'SIP greeting', state: 'warn', detail: `${path} cannot be read`, mend }]
    }),
  )
  return found.flat()
}

export const checkOpus = async (load: () => Promise<unknown> = loadOpus): Promise<Finding> => {
  const about = { check: 'voice codecs' }
  try {
    await load()
    return { ...about, state: 'ok', detail: 'Opus, G.722 and G.711 become each other in process' }
  } catch (error) {
    const detail = `Opus does not load, ffmpeg converts it: ${(error as Error).message}`
    return { ...about, state: 'warn', detail, mend: 'run "npm ci" again on this machine' }
  }
}

export const checkSip = async (section: SipSection, own = ownAddresses()): Promise<Finding[]> => [
  checkRules(section),
  ...checkTold(section, own),
  ...(await checkGreetings(section)),
  ...(await checkNames(section)),
]
