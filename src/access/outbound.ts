/** Where the gateway may connect to on behalf of others (SSRF): URLs in API requests, not those of the configuration. */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { z } from 'zod'
import type { HostAddress, ResolveHost } from '../adapters/adapter.ts'
import { GatewayError } from '../errors.ts'
import { isLoopback, isNetwork, networkMatcher } from '../net/networks.ts'
import { isPrivateAddress } from '../net/private-addresses.ts'
import type { AccessConfig } from './schema.ts'

const hostName = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/i
const isPlace = (text: string): boolean => text === 'any' || isNetwork(text) || hostName.test(text)

/** The `outbound` section of the configuration. */
export const outboundSchema = z.strictObject({
  /**
   * Private addresses that URLs given through the API may lead to: networks, addresses, host names, or `any`. Left
   * out: any as long as only this machine can use the API, else none.
   */
  allowPrivate: z
    .array(z.string().refine(isPlace, 'is not "any", a network such as 10.0.0.0/8, or a host name'))
    .optional(),
})
export type OutboundConfig = z.output<typeof outboundSchema>

/** As `dns.lookup` with `all`. */
export type Lookup = (host: string) => Promise<readonly HostAddress[]>

const lookupTimeoutMs = 5000
const systemLookup: Lookup = host => lookup(host, { all: true })

const find = async (host: string, look: Lookup): Promise<readonly HostAddress[]> => {
  const family = isIP(host)
  if (family !== 0) return [{ address: host, family }]
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${lookupTimeoutMs} ms`)), lookupTimeoutMs)
  try {
    return await Promise.race([look(host), late])
  } catch (error) {
    throw new GatewayError('connect-failed', `${host} has no address: ${(error as Error).message}`, {
      cause: error,
    })
  } finally {
    clearTimeout(timer)
  }
}

/** Only this machine can use the API: whoever can reaches its networks anyway. */
const isLocalApi = ({ api }: AccessConfig): boolean =>
  api.every(({ from }) => from?.every(place => place === 'loopback' || isLoopback(place)) === true)

/**
 * Finds the addresses of a host, and refuses it when one of them is private and not allowed: one is enough, for which
 * of them is connected to is not ours to say. undefined: nothing needs to be checked.
 */
export const createResolveHost = (
  { allowPrivate }: OutboundConfig,
  access: AccessConfig,
  look: Lookup = systemLookup,
): ResolveHost | undefined => {
  if (allowPrivate?.includes('any') || (allowPrivate === undefined && isLocalApi(access))) return undefined
  const allowed = allowPrivate ?? []
  const isAllowedAddress = networkMatcher(allowed.filter(isNetwork))
  const names = new Set(allowed.map(name => name.toLowerCase()))
  return async host => {
    const addresses = await find(host, look)
    if (names.has(host.toLowerCase().replace(/\.$/, ''))) return addresses
    const bad = addresses.find(({ address }) => isPrivateAddress(address) && !isAllowedAddress(address))
    if (bad === undefined && addresses.length > 0) return addresses
    const where = bad === undefined ? 'no address' : bad.address === host ? 'a private address' : bad.address
    throw new GatewayError(
      'forbidden',
      `${host} is ${where}: outbound.allowPrivate says which private addresses may be reached`,
    )
  }
}
