import { BlockList, isIPv6 } from 'node:net'
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import type { BoundAddress, External } from '../addresses.ts'
import { ipOfHost } from '../message/uri.ts'

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::'

const contains = ({ cidr, family }: NetworkInterfaceInfo, ip: string): boolean => {
  if (cidr === null) return false
  const [network, prefix] = cidr.split('/')
  const list = new BlockList()
  list.addSubnet(network!, Number(prefix), family === 'IPv6' ? 'ipv6' : 'ipv4')
  return list.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4')
}

const interfacesOf = (family: 'IPv4' | 'IPv6'): readonly NetworkInterfaceInfo[] =>
  Object.values(networkInterfaces())
    .flatMap(infos => infos ?? [])
    .filter(info => info.family === family && !info.address.startsWith('fe80:'))

/** Our addresses on the network of `ip`. */
export const addressesNear = (ip: string): readonly string[] =>
  interfacesOf(isIPv6(ip) ? 'IPv6' : 'IPv4')
    .filter(info => contains(info, ip))
    .map(({ address }) => address)

/** Our address on the network of `ip` ('': any), else the first that leads outside. */
const interfaceTowards = (ip: string, family: 'IPv4' | 'IPv6'): string | undefined => {
  const fitting = interfacesOf(family)
  const near = ip === '' ? undefined : fitting.find(info => contains(info, ip))
  return (near ?? fitting.find(info => !info.internal))?.address
}

/** The external address of a door as far as the peer at `ip` is told of it. */
export const outside = ({ external }: BoundAddress, ip: string): External | undefined =>
  external?.spares?.(ip) ? undefined : external

/** Interfaces come and go: what was found holds for some seconds. */
const holdsUs = 10_000_000

/** Our address as a peer behind a router sees it. */
export interface SeenAddress {
  /** As in a URI: IPv6 in brackets. */
  readonly host: string
  readonly port: number
}

/** What Via, Contact and SDP name as our host towards a peer: the external address, what it sees, else the bound one. */
export class LocalHost {
  readonly #seen = new Map<string, SeenAddress>()
  readonly #now: () => number
  #known = new Map<string, string>()
  #until = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** What the peer at `ip` sees; undefined: nothing but what we know ourselves. */
  learn(ip: string, seen: SeenAddress | undefined): void {
    if (seen === undefined) this.#seen.delete(ip)
    else this.#seen.set(ip, seen)
  }

  /** Where we are reached from `ip`, of what was learned. */
  seenBy(local: BoundAddress, ip: string): SeenAddress | undefined {
    return outside(local, ip) === undefined ? this.#seen.get(ip) : undefined
  }

  towards(local: BoundAddress, ip: string): string {
    const { host } = local
    const external = outside(local, ip)
    if (external !== undefined) return external.host
    const seen = this.#seen.get(ip)
    if (seen !== undefined) return ipOfHost(seen.host)
    return isWildcard(host) ? this.#find(host, ip) : host
  }

  #find(host: string, ip: string): string {
    if (this.#now() > this.#until || this.#known.size > 1000) {
      this.#known = new Map()
      this.#until = this.#now() + holdsUs
    }
    const known = this.#known.get(ip)
    if (known !== undefined) return known
    const found = interfaceTowards(ip, host === '::' ? 'IPv6' : 'IPv4') ?? host
    this.#known.set(ip, found)
    return found
  }
}
