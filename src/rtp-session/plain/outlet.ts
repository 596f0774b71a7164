/** What leaves an endpoint: encrypted where agreed, at once or at its time, to where the peer is. */
import { randomInt } from 'node:crypto'
import type {
  Native,
  PacedSender,
  PacedStreamId,
  PoolSocketId,
  SrtpContext,
  UdpAddress,
  UdpPool,
} from '../../native/types.ts'
import { createCipher } from './cipher.ts'
import { type Departure, type Outgoing, writeHeader } from './outgoing.ts'
import type { PortPair } from './port-pair.ts'
import type { SendBatch, Sending } from './send-batch.ts'
import type { RtpAgreement, SdesKeys } from './types.ts'
import { Way } from './way.ts'

const HEADER_BYTES = 12
/** What encryption adds at most. */
const TAG_BYTES = 20
/** Room for an encrypted datagram of the largest size. */
const MAX_BYTES = 65_535 + TAG_BYTES

export interface OutletOptions {
  readonly native: Pick<Native, 'createSrtp'>
  readonly pool: UdpPool
  readonly pair: PortPair
  readonly batch: SendBatch
  /** Made when the first packet has a time to leave at. */
  readonly paced: () => PacedSender
  /** Packets that may wait for their time; undefined: as many as the sender's default. */
  readonly maxWaiting: number | undefined
}

/** Written and sent in one go, so one is enough for all. */
const sealed = Buffer.alloc(MAX_BYTES)

export class Outlet implements Departure, Sending {
  readonly rtp: Way
  readonly rtcp: Way
  cipher: SrtpContext | undefined
  unsent = 0
  readonly batch: SendBatch
  /** The number of the next packet of an endpoint that has no source yet. */
  firstSequence = randomInt(0x8000)
  /** The time of that packet, and of the empty ones before it: to the peer they are one stream. */
  readonly firstTimestamp = randomInt(0x1_0000_0000)
  readonly #options: OutletOptions
  readonly #socket: PoolSocketId
  #keys: SdesKeys | undefined
  #isMux = false
  #paced: PacedStreamId | undefined
  /** The flush before which a packet of ours was written last. */
  #batched = -1
  #hasSent = false
  #quietSince = Number.NEGATIVE_INFINITY

  constructor(options: OutletOptions) {
    this.#options = options
    this.batch = options.batch
    this.#socket = options.pair.rtp
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
    this.batch.flush()
    const isNew = this.rtp.lead(to)
    if (isNew && this.#paced !== undefined && to !== undefined)
      paced().retarget(this.#paced, pair.rtp, this.rtp.id)
    if (to === undefined) this.rtcp.lead(undefined)
    else this.rtcp.lead({ ip: to.ip, port: rtcpPort ?? (this.#isMux ? to.port : to.port + 1) })
  }

  room(length: number): SendBatch {
    this.batch.room(length + TAG_BYTES)
    return this.batch
  }

  leave(length: number, dueUs: number | undefined): void {
    this.#hasSent = true
    const size = this.rtp.isKnown ? this.#protect(length) : -1
    if (size < 0 || (dueUs !== undefined && !this.#queue(size, dueUs))) this.unsent++
    else if (dueUs === undefined) {
      this.batch.add(size, this.#socket, this.rtp.id, this)
      this.#batched = this.batch.flushes
    }
  }

  /** Monotonic microseconds since when no RTP packet has left, to within the time since the last call. */
  quietSince(nowUs: number): number {
    if (this.#hasSent) this.#quietSince = nowUs
    this.#hasSent = false
    return this.#quietSince
  }

  sendRtcp(bytes: Uint8Array): void {
    if (!this.rtcp.isKnown) return
    const { pool, pair } = this.#options
    this.#letGo()
    const out = this.#protectRtcp(bytes)
    const socket = this.#isMux || pair.rtcp === undefined ? pair.rtp : pair.rtcp
    if (out === undefined || !pool.send(socket, this.rtcp.id, out)) this.unsent++
  }

  /** A header without a payload, which keeps the way open (RFC 6263) and is passed over by receivers. */
  sendEmpty(payloadType: number, ssrc: number, outgoing: Outgoing | undefined): void {
    const numbers = outgoing?.insert() ?? { sequence: this.firstSequence++, timestamp: this.firstTimestamp }
    const { bytes, end } = this.room(HEADER_BYTES)
    writeHeader(bytes, end, payloadType, numbers.sequence, numbers.timestamp, ssrc)
    this.leave(HEADER_BYTES, undefined)
  }

  close(): void {
    this.batch.flush()
    if (this.#paced !== undefined) this.#options.paced().remove(this.#paced)
    this.rtp.lead(undefined)
    this.rtcp.lead(undefined)
    this.cipher?.free()
  }

  /** What is to leave at once has been written before: nothing overtakes it, and no BYE comes before the last packet. */
  #letGo(): void {
    if (this.#batched === this.batch.flushes) this.batch.flush()
  }

  #queue(length: number, dueUs: number): boolean {
    const { pair, paced, maxWaiting } = this.#options
    const { bytes, end } = this.batch
    this.#letGo()
    this.#paced ??= paced().add(pair.rtp, this.rtp.id, maxWaiting)
    return paced().queue(this.#paced, dueUs, bytes.subarray(end, end + length))
  }

  /** The packet that was written, in its place; its new length, or less than 0. */
  #protect(length: number): number {
    if (this.cipher === undefined) return length
    const { bytes, end } = this.batch
    const size = this.cipher.protectRtp(bytes.subarray(end, end + length), length, sealed)
    if (size > 0) bytes.set(sealed.subarray(0, size), end)
    return size
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
