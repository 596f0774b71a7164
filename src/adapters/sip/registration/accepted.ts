/** What a 2xx to REGISTER says. */
import { parseNameAddr } from '../message/name-addr.ts'
import type { NameAddr, SipResponse, SipUri } from '../message/types.ts'
import { hostOfIp, parseUri } from '../message/uri.ts'

const MAX_EXPIRES_S = 86_400

export interface Accepted {
  /** 0: there is no binding of ours. */
  readonly expiresS: number
  /** Where requests through this account are to go first (RFC 3608). */
  readonly serviceRoute: readonly SipUri[]
}

const seconds = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,10}$/.test(text.trim()) ? Math.min(Number(text), MAX_EXPIRES_S) : undefined

const isSame = (a: SipUri, b: SipUri): boolean =>
  a.user === b.user && a.host === b.host && (a.port ?? 5060) === (b.port ?? 5060)

/** Registrars list every binding of the address; some write ours otherwise than we did, then a single one is ours. */
const ownBinding = (bindings: readonly NameAddr[], contact: NameAddr): NameAddr | undefined =>
  bindings.find(({ uri }) => isSame(uri, contact.uri)) ??
  bindings.find(({ uri }) => uri.user === contact.uri.user && bindings.length === 1)

export const readAccepted = ({ headers }: SipResponse, contact: NameAddr, askedS: number): Accepted => {
  const bindings = headers
    .list('contact')
    .map(parseNameAddr)
    .filter(binding => binding !== undefined)
  const own = ownBinding(bindings, contact)
  const said = seconds(own?.params.get('expires')) ?? seconds(headers.get('expires'))
  const serviceRoute = headers
    .list('service-route')
    .map(hop => parseNameAddr(hop)?.uri)
    .filter(hop => hop !== undefined)
  return { expiresS: bindings.length > 0 && own === undefined ? 0 : (said ?? askedS), serviceRoute }
}

/** RFC 3261 10.2.8: how long it must be at least. */
export const minExpires = ({ headers }: SipResponse): number | undefined =>
  seconds(headers.get('min-expires'))

export const retryAfter = ({ headers }: SipResponse): number | undefined =>
  seconds(/^\s*\d+/.exec(headers.get('retry-after') ?? '')?.[0])

/** Our address as the answer's Via tells it (RFC 3581 4). */
export const seenAs = ({
  via,
}: SipResponse): { readonly host: string; readonly port: number } | undefined => {
  if (via === undefined) return undefined
  const host = hostOfIp(via.params.get('received') || via.host)
  const port = Number(via.params.get('rport') || (via.port ?? 5060))
  const isReal = parseUri(`sip:${host}:${port}`) !== undefined && port > 0
  return isReal ? { host, port } : undefined
}
