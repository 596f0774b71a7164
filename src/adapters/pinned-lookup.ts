import type { LookupFunction } from 'node:net'
import type { AdapterContext } from './adapter.ts'

/**
 * Options for `net.connect`, `tls.connect` and `http.request` to `host`: with them the addresses that were checked are
 * the ones connected to, and the name is not looked up a second time (DNS rebinding).
 * @throws GatewayError 'forbidden', 'connect-failed'
 */
export const pinnedLookup = async (
  { resolveHost }: Pick<AdapterContext, 'resolveHost'>,
  host: string,
): Promise<{ readonly lookup?: LookupFunction }> => {
  if (resolveHost === undefined) return {}
  const addresses = await resolveHost(host)
  const lookup: LookupFunction = (_name, options, done) => {
    if (options.all) done(null, [...addresses])
    else done(null, addresses[0]!.address, addresses[0]!.family)
  }
  return { lookup }
}
