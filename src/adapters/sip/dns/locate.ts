import { isIP } from 'node:net'
import type { Target, TransportKind } from '../addresses.ts'
import type { SipUri } from '../message/types.ts'
import { ipOfHost } from '../message/uri.ts'

const kinds: Readonly<Record<string, TransportKind>> = {
  udp: 'udp',
  tcp: 'tcp',
  tls: 'tls',
  ws: 'ws',
  wss: 'wss',
}

/** The transport that the URI names, or must have; undefined when it leaves it open. */
export const transportOf = ({ scheme, params }: SipUri): TransportKind | undefined => {
  const named = kinds[params.get('transport')?.toLowerCase() ?? '']
  if (scheme !== 'sips') return named
  return named === 'ws' || named === 'wss' ? 'wss' : 'tls'
}

export const defaultPort = (transport: TransportKind): number =>
  transport === 'tls' ? 5061 : transport === 'ws' ? 80 : transport === 'wss' ? 443 : 5060

/** The target of a URI with an address instead of a name; undefined for a name (RFC 3263 4.1, 4.2). */
export const literalTarget = (uri: SipUri): Target | undefined => {
  const host = uri.params.get('maddr') ?? uri.host
  const ip = ipOfHost(host)
  if (isIP(ip) === 0) return undefined
  const transport = transportOf(uri) ?? 'udp'
  return { transport, ip, port: uri.port ?? defaultPort(transport), name: ip }
}
