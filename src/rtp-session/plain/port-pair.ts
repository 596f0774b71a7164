/** Finds local ports for an endpoint: RTP on an even port and RTCP on the one above it (RFC 3550 11). */
import { randomInt } from 'node:crypto'
import { GatewayError } from '../../errors.ts'
import type { PoolSocketId, UdpPool } from '../../native/types.ts'
import type { PortRange, RtpEndpointOptions } from './types.ts'

/** The system gives out odd ports as often as even ones. */
const FREE_TRIES = 64

export interface PortPair {
  readonly rtp: PoolSocketId
  readonly rtpPort: number
  /** Absent: RTCP comes and goes on the RTP port. */
  readonly rtcp: PoolSocketId | undefined
  readonly rtcpPort: number
}

const isTaken = (error: unknown): boolean => error instanceof GatewayError && error.code === 'port-in-use'

const openSocket = (pool: UdpPool, options: RtpEndpointOptions, port: number): PoolSocketId => {
  const { multicast, host, receiveBufferBytes: bytes, outgoing: { ttl, interface: by } = {} } = options
  const buffer = { ...(bytes !== undefined && { receiveBufferBytes: bytes }) }
  const leaving = { ...(ttl !== undefined && { ttl }), ...(by !== undefined && { interface: by }) }
  if (multicast === undefined) return pool.open({ host, port, ...buffer, multicast: leaving })
  const { interface: via } = multicast
  return pool.open({
    host: multicast.group,
    port,
    ...buffer,
    reuse: true,
    join: multicast,
    ...(via !== undefined && { multicast: { interface: via } }),
  })
}

/** Both or none. */
const openAt = (pool: UdpPool, options: RtpEndpointOptions, port: number): PortPair => {
  const rtp = openSocket(pool, options, port)
  const rtpPort = pool.addressOfSocket(rtp).port
  if (options.rtcpPort === null) return { rtp, rtpPort, rtcp: undefined, rtcpPort: rtpPort }
  try {
    const rtcp = openSocket(pool, options, options.rtcpPort ?? rtpPort + 1)
    return { rtp, rtpPort, rtcp, rtcpPort: pool.addressOfSocket(rtcp).port }
  } catch (error) {
    pool.closeSocket(rtp)
    throw error
  }
}

const tryAt = (pool: UdpPool, options: RtpEndpointOptions, port: number): PortPair | undefined => {
  try {
    const pair = openAt(pool, options, port)
    if (port !== 0 || pair.rtcp === undefined || pair.rtpPort % 2 === 0) return pair
    closePair(pool, pair)
  } catch (error) {
    if (!isTaken(error)) throw error
  }
  return undefined
}

/** From a random pair on, so that a port that was just closed is not the next one to be given out. */
const openInRange = (pool: UdpPool, options: RtpEndpointOptions, { min, max }: PortRange): PortPair => {
  const first = min + (min % 2)
  const pairs = Math.max(0, Math.floor((max - first + 1) / 2))
  const start = pairs === 0 ? 0 : randomInt(pairs)
  for (let count = 0; count < pairs; count++) {
    const pair = tryAt(pool, options, first + ((start + count) % pairs) * 2)
    if (pair !== undefined) return pair
  }
  throw new GatewayError(
    'port-in-use',
    `udp ${options.host}: all ${pairs} pairs of the RTP ports ${min}-${max} are taken`,
  )
}

const openFree = (pool: UdpPool, options: RtpEndpointOptions): PortPair => {
  for (let tries = 0; tries < FREE_TRIES; tries++) {
    const pair = tryAt(pool, options, 0)
    if (pair !== undefined) return pair
  }
  throw new GatewayError(
    'port-in-use',
    `udp ${options.host}: ${FREE_TRIES} tries found no free pair of ports`,
  )
}

/** @throws GatewayError 'port-in-use' that says which ports were tried; whatever else the pool throws */
export const openPair = (pool: UdpPool, options: RtpEndpointOptions): PortPair => {
  const { port } = options
  if (typeof port === 'number' && port !== 0) return openAt(pool, options, port)
  return typeof port === 'object' ? openInRange(pool, options, port) : openFree(pool, options)
}

export const closePair = (pool: UdpPool, { rtp, rtcp }: PortPair): void => {
  pool.closeSocket(rtp)
  if (rtcp !== undefined) pool.closeSocket(rtcp)
}
