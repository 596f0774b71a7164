import { isIPv6 } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import type { Candidate } from './answer.ts'
import type { WebRtcConfig } from './config.ts'

type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::'
const isLinkLocal = (ip: string): boolean => /^(169\.254\.|fe80:)/i.test(ip)
export const isLoopback = (ip: string): boolean => /^(127\.|::1$|::ffff:127\.)/.test(ip)

/** Own addresses that others can reach, IPv4 first; the loopback one when there are no others. */
const ownAddresses = (host: string, interfaces: Interfaces): readonly string[] => {
  const all = Object.values(interfaces)
    .flatMap(list => list ?? [])
    .map(({ address }) => address)
    .filter(address => !isLinkLocal(address) && (host === '::' || !isIPv6(address)))
  const outside = all
    .filter(address => !isLoopback(address))
    .toSorted((a, b) => Number(isIPv6(a)) - Number(isIPv6(b)))
  return [
    ...outside,
    ...(outside.length === 0 ? ['127.0.0.1'] : all.filter(address => address === '127.0.0.1')),
  ]
}

/**
 * The host candidates of the answer. What is advertised replaces everything found; an entry without a port has the
 * one we listen on.
 */
export const localCandidates = (
  host: string,
  port: number,
  advertise: WebRtcConfig['advertise'],
  interfaces: Interfaces,
): readonly Candidate[] => {
  if (advertise.length > 0) return advertise.map(({ ip, port: own }) => ({ ip, port: own ?? port }))
  if (!isWildcard(host)) return [{ ip: host, port }]
  return ownAddresses(host, interfaces).map(ip => ({ ip, port }))
}
