/** Sets of IP addresses. */
import { BlockList, isIP, isIPv6 } from 'node:net'

/** An address, or a network such as `10.0.0.0/8`. */
export const isNetwork = (text: string): boolean => {
  const [ip = '', bits, ...rest] = text.split('/')
  const longest = isIPv6(ip) ? 128 : 32
  return (
    rest.length === 0 &&
    isIP(ip) !== 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && +bits <= longest))
  )
}

const addNetwork = (list: BlockList, network: string): BlockList => {
  const [ip = '', bits] = network.split('/')
  const family = isIPv6(ip) ? 'ipv6' : 'ipv4'
  if (bits === undefined) list.addAddress(ip, family)
  else list.addSubnet(ip, Number(bits), family)
  return list
}

/** `::ffff:10.0.0.1`, as dual-stack sockets name IPv4 peers, is 10.0.0.1; a zone (`%eth0`) says nothing. */
export const plainAddress = (address: string): string =>
  address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '')

/** Whether an address lies in one of the networks. What is no address lies in none. */
export const networkMatcher = (networks: readonly string[]): ((address: string) => boolean) => {
  const list = networks.reduce(addNetwork, new BlockList())
  return address => {
    const ip = plainAddress(address)
    return isIP(ip) !== 0 && list.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4')
  }
}

export const isLoopback = networkMatcher(['127.0.0.0/8', '::1'])
