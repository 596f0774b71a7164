import { formatParams, noParams, parseParams } from './params.ts'
import type { Params, SipUri } from './types.ts'

/** Keeps how the peer wrote it, for it must go back unchanged. A copy with other fields does not. */
class WrittenUri implements SipUri {
  readonly scheme: SipUri['scheme']
  readonly user: string
  readonly host: string
  declare readonly port?: number
  readonly params: Params
  declare readonly headers?: string
  readonly #written: string

  constructor(uri: SipUri, written: string) {
    this.scheme = uri.scheme
    this.user = uri.user
    this.host = uri.host
    if (uri.port !== undefined) this.port = uri.port
    this.params = uri.params
    if (uri.headers !== undefined) this.headers = uri.headers
    this.#written = written
  }

  static format(uri: SipUri): string | undefined {
    return uri instanceof WrittenUri ? uri.#written : undefined
  }
}

const decode = (text: string): string => {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const hostPattern = /^(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_.])?|\[[0-9a-f:.]+(?:%25[\w.-]+)?\])$/
const portPattern = /^\d{1,5}$/
const userPattern = /^[^\s<>"@]*$/

export interface HostPort {
  readonly host: string
  readonly port?: number
}

/** `host`, `host:port`, `[v6]`, `[v6]:port`. Undefined when it is none of them. */
export const parseHostPort = (text: string): HostPort | undefined => {
  const colon = text.startsWith('[') ? text.indexOf(':', text.indexOf(']')) : text.indexOf(':')
  const host = (colon < 0 ? text : text.slice(0, colon)).trim().toLowerCase()
  if (!hostPattern.test(host)) return undefined
  if (colon < 0) return { host }
  const port = text.slice(colon + 1).trim()
  if (!portPattern.test(port) || Number(port) > 0xffff || Number(port) === 0) return undefined
  return { host, port: Number(port) }
}

/** Number and parameters of a `tel:` URI (RFC 3966). */
const parseTel = (text: string): SipUri | undefined => {
  const semicolon = text.indexOf(';')
  const number = (semicolon < 0 ? text : text.slice(0, semicolon)).replace(/[-.()]/g, '')
  if (!/^\+?[0-9A-Fa-f*#]+$/.test(number)) return undefined
  const params = semicolon < 0 ? noParams : parseParams(text.slice(semicolon + 1))
  return { scheme: 'tel', user: number, host: '', params }
}

const parseSip = (scheme: 'sip' | 'sips', text: string): SipUri | undefined => {
  const at = text.indexOf('@')
  const userInfo = at < 0 ? '' : text.slice(0, at)
  if (at === 0 || !userPattern.test(userInfo)) return undefined
  const rest = text.slice(at + 1)
  const question = rest.indexOf('?')
  const address = question < 0 ? rest : rest.slice(0, question)
  const semicolon = address.indexOf(';')
  const where = parseHostPort(semicolon < 0 ? address : address.slice(0, semicolon))
  if (where === undefined) return undefined
  // The password of a URI is not used by anybody (RFC 3261 19.1.1).
  const colon = userInfo.indexOf(':')
  const user = decode(colon < 0 ? userInfo : userInfo.slice(0, colon))
  const params = semicolon < 0 ? noParams : parseParams(address.slice(semicolon + 1))
  return {
    scheme,
    user,
    ...where,
    params,
    ...(question < 0 ? undefined : { headers: rest.slice(question + 1) }),
  }
}

/** The scheme in lower case, whatever it is. '' when there is none. */
export const schemeOf = (text: string): string =>
  /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase() ?? ''

/** Undefined when it is no sip:, sips: or tel: URI. */
export const parseUri = (text: string): SipUri | undefined => {
  if (/[\s<>"]/.test(text)) return undefined
  const scheme = schemeOf(text)
  const rest = text.slice(scheme.length + 1)
  const uri =
    scheme === 'sip' || scheme === 'sips'
      ? parseSip(scheme, rest)
      : scheme === 'tel'
        ? parseTel(rest)
        : undefined
  return uri === undefined ? undefined : new WrittenUri(uri, text)
}

const escapeUser = (user: string): string =>
  user.replace(/[^\w.!~*'()&=+$,;?/-]/gu, character => encodeURIComponent(character))

/** A URI that was read is written as it was. */
export const formatUri = (uri: SipUri): string => {
  const written = WrittenUri.format(uri)
  if (written !== undefined) return written
  if (uri.scheme === 'tel') return `tel:${uri.user}${formatParams(uri.params)}`
  const user = uri.user === '' ? '' : `${escapeUser(uri.user)}@`
  const port = uri.port === undefined ? '' : `:${uri.port}`
  const headers = uri.headers === undefined ? '' : `?${uri.headers}`
  return `${uri.scheme}:${user}${uri.host}${port}${formatParams(uri.params)}${headers}`
}

/** An IP address as a host of a URI: IPv6 in brackets. */
export const hostOfIp = (ip: string): string => (ip.includes(':') && !ip.startsWith('[') ? `[${ip}]` : ip)

/** The other way round; a name stays a name. */
export const ipOfHost = (host: string): string => (host.startsWith('[') ? host.slice(1, -1) : host)
