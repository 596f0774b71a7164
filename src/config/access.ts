import { BlockList, isIP, isIPv6 } from 'node:net'
import { z } from 'zod'
import type { Access } from '../adapters/adapter.ts'
import { GatewayError } from '../errors.ts'

const isNetwork = (text: string): boolean => {
  const [ip = '', bits, ...rest] = text.split('/')
  const longest = isIPv6(ip) ? 128 : 32
  return (
    rest.length === 0 && isIP(ip) !== 0 && (bits === undefined || (/^\d+$/.test(bits) && +bits <= longest))
  )
}
const peers = z.union([
  z.enum(['loopback', 'any']),
  z.array(z.string().refine(isNetwork, 'is not an IP address or network such as 10.0.0.0/8')),
])

/** Who may do what, by the peer's address: `loopback`, `any`, or a list of addresses and networks. */
export const accessSchema = z.strictObject({
  publish: peers.default('loopback'),
  play: peers.default('any'),
  api: peers.default('loopback'),
})
export type AccessConfig = z.infer<typeof accessSchema>

const loopback = ['127.0.0.0/8', '::1']

const addNetwork = (list: BlockList, network: string): BlockList => {
  const [ip = '', bits] = network.split('/')
  const family = isIPv6(ip) ? 'ipv6' : 'ipv4'
  if (bits === undefined) list.addAddress(ip, family)
  else list.addSubnet(ip, Number(bits), family)
  return list
}

/** `::ffff:10.0.0.1`, as dual-stack sockets name IPv4 peers, is 10.0.0.1. */
const plain = (remote: string): string => remote.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '')

const matcher = (allowed: AccessConfig['publish']): ((remote: string) => boolean) => {
  if (allowed === 'any') return () => true
  const list = (allowed === 'loopback' ? loopback : allowed).reduce(addNetwork, new BlockList())
  return remote => {
    const ip = plain(remote)
    return isIP(ip) !== 0 && list.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4')
  }
}

/** What may be done from where; used by every protocol alike. */
export interface AccessPolicy {
  allows(action: Access['action'], remote: string): boolean
  /** Rejects with GatewayError `forbidden` that names the setting to change. */
  authorize(access: Access): Promise<void>
}

/** Builds the policy of the `access` section. */
export const createAccessPolicy = (config: AccessConfig): AccessPolicy => {
  const rules = {
    publish: { setting: 'publish', matches: matcher(config.publish) },
    subscribe: { setting: 'play', matches: matcher(config.play) },
    api: { setting: 'api', matches: matcher(config.api) },
  } as const
  const doing = (access: Access): string =>
    access.action === 'api'
      ? 'using the API'
      : `${access.action === 'publish' ? 'publishing' : 'playing'} ${access.stream}`
  return {
    allows: (action, remote) => rules[action].matches(remote),
    async authorize(access) {
      const { setting, matches } = rules[access.action]
      if (matches(access.remote)) return
      const allowed = config[setting]
      const shown = Array.isArray(allowed) ? `[${allowed.join(', ')}]` : allowed
      throw new GatewayError(
        'forbidden',
        `${doing(access)} over ${access.protocol} from ${plain(access.remote)}: access.${setting} is ${shown}`,
      )
    },
  }
}
