import { createSocket } from 'node:dgram'
import { EXIT } from '../exit-codes.ts'
import type { Finding } from './finding.ts'

/** Of the `rtp` section. */
interface RtpPorts {
  readonly ports: { readonly min: number; readonly max: number } | null
}

/** Pairs that are looked at; more would say the same, and take long. */
const MOST_PAIRS = 200

const isFree = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = createSocket('udp4')
    socket.once('error', () => resolve(false))
    socket.bind(port, () => socket.close(() => resolve(true)))
  })
const isFreePair = async (port: number): Promise<boolean> => (await isFree(port)) && (await isFree(port + 1))

/** Whether sources and destinations that name no port find one. */
export const checkRtp = async ({ ports }: RtpPorts): Promise<Finding> => {
  const check = 'RTP ports'
  if (ports === null) return { check, state: 'ok', detail: 'any that are free (rtp.ports is not set)' }
  const [first, range] = [ports.min + (ports.min % 2), `udp ${ports.min}-${ports.max}`]
  const pairs = Math.max(0, Math.floor((ports.max - first + 1) / 2))
  const looked = Math.min(pairs, MOST_PAIRS)
  const free = await Promise.all(Array.from({ length: looked }, (_, i) => isFreePair(first + i * 2)))
  const count = free.filter(Boolean).length
  const some = looked < pairs ? ` of the first ${looked}` : ` of ${pairs}`
  const detail = `${range}: ${count}${some} pairs are free`
  const mend = 'widen rtp.ports, or end what has them'
  if (count === 0) return { check, state: 'fail', detail, mend, exitCode: EXIT.port }
  return count * 2 < looked ? { check, state: 'warn', detail, mend } : { check, state: 'ok', detail }
}
