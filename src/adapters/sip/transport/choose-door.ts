/** By which door a request leaves: pure, but for the interfaces of this machine. */
import type { BoundAddress, Target } from '../addresses.ts'
import { addressesNear } from './local-host.ts'

const isIPv6 = (ip: string): boolean => ip.includes(':')

/** Doors there for the target itself, or for nobody else, come before those there for everybody. */
const rank = ({ host, leadsTo }: BoundAddress, ip: string, near: readonly string[]): number => {
  if (leadsTo?.(ip)) return 0
  if (near.includes(host)) return 1
  return leadsTo === undefined ? 2 : 3
}

/**
 * The index of the wanted door, if it fits, else of one at the same address, else of the best; -1: none has that
 * transport and family.
 */
export const chooseDoor = (
  doors: readonly BoundAddress[],
  { transport, ip }: Target,
  wanted?: number,
): number => {
  const fits = (index: number): boolean => {
    const door = doors[index]
    return door !== undefined && door.transport === transport && isIPv6(door.host) === isIPv6(ip)
  }
  if (wanted !== undefined && fits(wanted)) return wanted
  const [first = -1, ...more] = [...doors.keys()].filter(fits)
  if (more.length === 0) return first
  const beside = [first, ...more].find(index => doors[index]?.host === doors[wanted ?? -1]?.host)
  if (beside !== undefined) return beside
  const near = addressesNear(ip)
  const ranked = [first, ...more].map(index => ({ index, rank: rank(doors[index]!, ip, near) }))
  return ranked.reduce((best, next) => (next.rank < best.rank ? next : best)).index
}
