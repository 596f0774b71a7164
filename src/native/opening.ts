import { isIP } from 'node:net'
import { type ErrorCode, GatewayError } from '../errors.ts'
import type { PoolSocketOptions, RawPool, UdpPool } from './types.ts'

export const codeOf = (thrown: unknown): unknown =>
  thrown instanceof Error && 'code' in thrown ? thrown.code : undefined

const refusalOf = (code: unknown): ErrorCode =>
  code === 'EMFILE' || code === 'ENFILE'
    ? 'limit-exceeded'
    : code === 'ENODEV' || code === 'EINVAL'
      ? 'bad-config'
      : 'port-in-use'

/**
 * Opens, and tells what went wrong with the address in the gateway's terms.
 * @throws GatewayError 'bad-config', 'limit-exceeded', 'port-in-use'
 */
export const opening = <T>(options: PoolSocketOptions, open: () => T): T => {
  if (isIP(options.host.split('%')[0]!) === 0) {
    throw new GatewayError('bad-config', `udp host '${options.host}' is not a numeric IP address`)
  }
  try {
    return open()
  } catch (thrown) {
    const where = `udp ${options.host} port ${options.port}`
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    throw new GatewayError(refusalOf(codeOf(thrown)), `${where}: ${reason}`, { cause: thrown })
  }
}

/** A key frame in one burst, or half a second of calls while the event loop is busy. */
const POOL_RECEIVE_BUFFER_BYTES = 1024 * 1024

/** Puts what `openSocket` throws in the gateway's terms. */
export const toUdpPool = (pool: RawPool): UdpPool =>
  Object.assign(pool, {
    open: (options: PoolSocketOptions) =>
      opening(options, () => pool.openSocket({ receiveBufferBytes: POOL_RECEIVE_BUFFER_BYTES, ...options })),
  })
