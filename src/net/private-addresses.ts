/** Which addresses lead into a network that is somebody's own: what the IANA registries do not call global unicast. */
import { isIPv4 } from 'node:net'
import { networkMatcher, plainAddress } from './networks.ts'

/** RFC 6890 and its updates. */
const isSpecial4 = networkMatcher([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10', // carriers' NAT
  '127.0.0.0/8',
  '169.254.0.0/16', // link-local, and the metadata services of clouds
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
])
const isGlobal6 = networkMatcher(['2000::/3'])
const isSpecial6 = networkMatcher([
  '2001::/23', // IETF protocols, Teredo among them
  '2001:db8::/32',
  '3fff::/20',
])
/** Addresses in which an IPv4 address travels, and the group of 16 bits at which that begins. */
const carriers: readonly (readonly [network: (ip: string) => boolean, group: number])[] = [
  [networkMatcher(['::ffff:0:0/96']), 6], // mapped
  [networkMatcher(['64:ff9b::/96']), 6], // NAT64, RFC 6052
  [networkMatcher(['2002::/16']), 1], // 6to4, RFC 3056
]

/** The eight groups of an IPv6 address, as the URL parser writes them out. */
const groupsOf = (ip: string): readonly number[] => {
  const canonical = new URL(`http://[${ip}]/`).hostname.slice(1, -1)
  const [left = '', right] = canonical.split('::')
  const read = (text: string): number[] =>
    text === '' ? [] : text.split(':').map(group => Number.parseInt(group, 16))
  const [head, tail] = [read(left), read(right ?? '')]
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail]
}

const embedded4 = (ip: string, group: number): string => {
  const groups = groupsOf(ip)
  const [high, low] = [groups[group]!, groups[group + 1]!]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** Anything but a global unicast address, also when it is dressed up as IPv6. What is no address is private. */
export const isPrivateAddress = (address: string): boolean => {
  const ip = plainAddress(address)
  if (isIPv4(ip)) return isSpecial4(ip)
  const carrier = carriers.find(([network]) => network(ip))
  if (carrier !== undefined) return isSpecial4(embedded4(ip, carrier[1]))
  return !isGlobal6(ip) || isSpecial6(ip)
}
