import { BlockList, isIPv4, isIPv6 } from 'node:net'
import type { SipUri, Via } from '../message/types.ts'
import { ipOfHost } from '../message/uri.ts'
import type { Flow } from '../transport/flow.ts'

const inside = new BlockList()
for (const [network, prefix] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['0.0.0.0', 8],
] as const) {
  inside.addSubnet(network, prefix, 'ipv4')
}
inside.addSubnet('fc00::', 7, 'ipv6')
inside.addSubnet('fe80::', 10, 'ipv6')

const isInside = (ip: string): boolean =>
  isIPv4(ip) || isIPv6(ip) ? inside.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4') : false

/**
 * Whether a Contact cannot be reached as written, so that requests go where the peer's messages come from: it is one
 * that means nothing outside (RFC 7118 5), a private address of a peer that comes from a public one, or the same wrong
 * address that the peer's Via had.
 */
export const isUnreachable = ({ host }: SipUri, via: Via | undefined, source: Flow): boolean => {
  const ip = ipOfHost(host)
  if (host.endsWith('.invalid')) return true
  if (ip === source.ip || (!isIPv4(ip) && !isIPv6(ip))) return false
  return (isInside(ip) && !isInside(source.ip)) || (via !== undefined && ipOfHost(via.host) === ip)
}
