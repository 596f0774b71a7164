/** What leaves an endpoint: encrypted where agreed, at once or at its time, to where the peer is. */
import { randomInt } from 'node:crypto'
import type { Clock } from '../../core/types.ts'
import type {
  Native,
  PacedSender,
  PacedStreamId,
  SrtpContext,
  UdpAddress,
  UdpPool,
} from '../../native/types.ts'
import { createCipher } from './cipher.ts'
import type { Outgoing } from './outgoing.ts'
import type { PortPair } from './port-pair.ts'
import type { RtpAgreement, SdesKeys } from './types.ts'
import { Way } from './way.ts'

/** Room for a datagram and what encryption adds to it. */
const MAX_BYTES = 65_535 + 20
const HEADER_BYTES = 12

export interface OutletOptions {
  readonly native: Pick<Native, 'createSrtp'>
  readonly clock: Clock
  readonly pool: UdpPool
  readonly pair: PortPair
  /** Made when the first packet has a time to leave at. */
  readonly paced: () => PacedSender
  /** Packets that may wait for their time; undefined: as many as the sender's default. */
  readonly maxWaiting: number | undefined
}

/** Written and sent in one go, so one is enough for all. */
const sealed = Buffer.alloc(MAX_BYTES)
const empty = Buffer.alloc(HEADER_BYTES)

export class Outlet {
  readonly rtp: Way
  readonly rtcp: Way
  cipher: SrtpContext | undefined
  unsent = 0
  /** Monotonic microseconds of the last RTP packet. */
  lastAt = Number.NEGATIVE_INFINITY
  /** The number of the next packet of an endpoint that has no source yet. */
  firstSequence = randomInt(0x8000)
  /** The time of that packet, and of the empty ones before it: to the peer they are one stream. */
  readonly firstTimestamp = randomInt(0x1_0000_0000)
  readonly #options: OutletOptions
  #keys: SdesKeys | undefined
  #isMux = false
  #paced: PacedStreamId | undefined

  constructor(options: OutletOptions) {
    this.#options = options
    this.rtp = new Way(options.pool)
    this.rtcp = new Way(options.pool)
  }

  /** New keys take the place of the old ones; the same ones go on with their counters. */
  agree({ rtcpMux, sdes }: RtpAgreement): void {
    this.#isMux = rtcpMux
    if (isSameKey(this.#keys, sdes)) return
    this.cipher?.free()
    this.cipher = sdes === undefined ? undefined : createCipher(this.#options.native, sdes)
    this.#keys = sdes
  }

  /** Without a port of its own, RTCP goes to the next one, or the same where it is multiplexed. */
  lead(to: UdpAddress | undefined, rtcpPort: number | undefined): void {
    const { pair, paced } = this.#options
    const isNew = this.rtp.lead(to)
    if (isNew && this.#paced !== undefined && to !== undefined)
      paced().retarget(this.#paced, pair.rtp, this.rtp.id)
    if (to === undefined) this.rtcp.lead(undefined)
    else this.rtcp.lead({ ip: to.ip, port: rtcpPort ?? (this.#isMux ? to.port : to.port + 1) })
  }

  /** A finished packet. false: it was not sent, and counted. */
  send(bytes: Uint8Array, length: number, dueUs: number | undefined): boolean {
    this.lastAt = this.#options.clock.now()
    const sent = this.rtp.isKnown && this.#leave(this.#protect(bytes, length), dueUs)
    if (!sent) this.unsent++
    return sent
  }

  sendRtcp(bytes: Uint8Array): void {
    if (!this.rtcp.isKnown) return
    const { pool, pair } = this.#options
    const out = this.#protectRtcp(bytes)
    const socket = this.#isMux || pair.rtcp === undefined ? pair.rtp : pair.rtcp
    if (out === undefined || !pool.send(socket, this.rtcp.id, out)) this.unsent++
  }

  /** A header without a payload, which keeps the way open (RFC 6263) and is passed over by receivers. */
  sendEmpty(payloadType: number, ssrc: number, outgoing: Outgoing | undefined): void {
    const numbers = outgoing?.insert() ?? { sequence: this.firstSequence++, timestamp: this.firstTimestamp }
    empty[0] = 0x80
    empty[1] = payloadType
    empty.writeUInt16BE(numbers.sequence & 0xffff, 2)
    empty.writeUInt32BE(numbers.timestamp, 4)
    empty.writeUInt32BE(ssrc, 8)
    this.send(empty, HEADER_BYTES, undefined)
  }

  close(): void {
    if (this.#paced !== undefined) this.#options.paced().remove(this.#paced)
    this.rtp.lead(undefined)
    this.rtcp.lead(undefined)
    this.cipher?.free()
  }

  #leave(bytes: Uint8Array | undefined, dueUs: number | undefined): boolean {
    const { pool, pair, paced, maxWaiting } = this.#options
    if (bytes === undefined) return false
    if (dueUs === undefined) return pool.send(pair.rtp, this.rtp.id, bytes)
    this.#paced ??= paced().add(pair.rtp, this.rtp.id, maxWaiting)
    return paced().queue(this.#paced, dueUs, bytes)
  }

  #protect(bytes: Uint8Array, length: number): Uint8Array | undefined {
    if (this.cipher === undefined) return bytes.subarray(0, length)
    const size = this.cipher.protectRtp(bytes, length, sealed)
    return size < 0 ? undefined : sealed.subarray(0, size)
  }

  #protectRtcp(bytes: Uint8Array): Uint8Array | undefined {
    if (this.cipher === undefined) return bytes
    const size = this.cipher.protectRtcp(bytes, bytes.length, sealed)
    return size < 0 ? undefined : sealed.subarray(0, size)
  }
}

const isSameKey = (before: SdesKeys | undefined, after: SdesKeys | undefined): boolean =>
  before === undefined || after === undefined
    ? before === after
    : before.suite === after.suite &&
      Buffer.compare(before.local, after.local) === 0 &&
      Buffer.compare(before.remote, after.remote) === 0
