/** What must not be open to the world by mistake. */
import type { Logger } from '../adapters/adapter.ts'
import { GatewayError } from '../errors.ts'
import { isLoopback } from '../net/networks.ts'
import type { AccessConfig, Rule } from './schema.ts'

/** A rule that lets strangers in, wherever they are, with nothing in their hands. */
const isForAnybody = ({ from, key, jwt }: Rule): boolean =>
  key === undefined &&
  jwt === undefined &&
  from?.some(place => place === 'any' || /\/0$/.test(place)) === true

const isLocal = (host: string): boolean => isLoopback(host) || host === 'localhost'

/**
 * Looks at the rules and at where the HTTP door is to listen.
 * @throws GatewayError 'bad-config' for an API that everybody could reach and use
 */
export const checkExposure = (
  { publish, api }: AccessConfig,
  { host, port }: { readonly host: string; readonly port: number },
  log: Logger,
): void => {
  if (isLocal(host)) return
  if (api.some(isForAnybody))
    throw new GatewayError(
      'bad-config',
      `http.listen ${host}:${port} can be reached from outside and access.api lets anybody in: give its rules a key, jwt or networks`,
    )
  if (publish.some(isForAnybody))
    log.warn(
      { host, port },
      'anybody who reaches this machine may publish: access.publish has a rule without a key',
    )
}
