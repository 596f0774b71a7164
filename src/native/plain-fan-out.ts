import {
  type FanOut,
  type FanOutStats,
  type FanTarget,
  type FanTargetId,
  SRTP_FREED,
  type UdpSocket,
} from './types.ts'

const HEADER_BYTES = 12
const MAX_EXPANSION_BYTES = 20
const MAX_DATAGRAM_BYTES = 65_507

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

interface Span {
  readonly start: number
  readonly end: number
}

/** Where the payload lies, without padding (RFC 3550 5.1); undefined when this is no RTP packet. */
const payloadOf = (packet: Uint8Array): Span | undefined => {
  if (packet.length < HEADER_BYTES || packet[0]! >> 6 !== 2) return undefined
  let start = HEADER_BYTES + 4 * (packet[0]! & 0x0f)
  if ((packet[0]! & 0x10) !== 0) {
    if (start + 4 > packet.length) return undefined
    start += 4 + 4 * ((packet[start + 2]! << 8) | packet[start + 3]!)
  }
  if (start > packet.length) return undefined
  const padding = (packet[0]! & 0x20) !== 0 && packet.length > start ? packet.at(-1)! : 0
  return padding > packet.length - start ? undefined : { start, end: packet.length - padding }
}

/** The fan-out of systems without the batch system calls: the same rewriting, one datagram at a time. */
class PlainFanOut implements FanOut {
  readonly #socket: UdpSocket
  readonly #targets = new Map<FanTargetId, FanTarget>()
  readonly #plain = new Uint8Array(MAX_DATAGRAM_BYTES)
  readonly #plainView = new DataView(this.#plain.buffer)
  readonly #sealed = new Uint8Array(MAX_DATAGRAM_BYTES + MAX_EXPANSION_BYTES)
  #nextId = 0
  readonly #stats: Mutable<FanOutStats> = {
    sent: 0,
    malformed: 0,
    unknownTarget: 0,
    refusedReuse: 0,
    oversize: 0,
    refusedByKernel: 0,
    systemCalls: 0,
    segmentation: false,
  }

  constructor(socket: UdpSocket) {
    this.#socket = socket
  }

  add(target: FanTarget): FanTargetId {
    this.#socket.retain(target.to)
    this.#targets.set(this.#nextId, target)
    return this.#nextId++
  }

  update(id: FanTargetId, target: FanTarget): void {
    const known = this.#targets.get(id)
    if (known === undefined) throw new RangeError(`there is no fan-out target with the id ${id}`)
    this.#socket.retain(target.to)
    this.#socket.release(known.to)
    this.#targets.set(id, target)
  }

  remove(id: FanTargetId): void {
    const known = this.#targets.get(id)
    if (known !== undefined) this.#socket.release(known.to)
    this.#targets.delete(id)
  }

  send(packets: readonly Uint8Array[], packetCount: number, pairs: Int32Array, pairCount: number): number {
    if (pairCount < 0 || pairCount * 2 > pairs.length) throw new RangeError('there are fewer pairs than said')
    const before = this.#stats.sent
    for (let pair = 0; pair < pairCount; pair++) {
      const index = pairs[2 * pair + 1]!
      this.#sendOne(pairs[2 * pair]!, index < packetCount ? packets[index] : undefined)
    }
    return this.#stats.sent - before
  }

  #sendOne(id: FanTargetId, packet: Uint8Array | undefined): void {
    const target = this.#targets.get(id)
    const payload = packet instanceof Uint8Array ? payloadOf(packet) : undefined
    if (target === undefined) this.#stats.unknownTarget++
    else if (packet === undefined || payload === undefined) this.#stats.malformed++
    else this.#write(target, packet, payload)
  }

  #write(target: FanTarget, packet: Uint8Array, payload: Span): void {
    const header = HEADER_BYTES + target.extensions.length
    const length = header + payload.end - payload.start
    if (length + MAX_EXPANSION_BYTES > MAX_DATAGRAM_BYTES) {
      this.#stats.oversize++
      return
    }
    this.#writeHeader(target, packet)
    this.#plain.set(target.extensions, HEADER_BYTES)
    this.#plain.set(packet.subarray(payload.start, payload.end), header)
    const sealed = target.srtp.protectRtp(this.#plain, length, this.#sealed)
    if (sealed === SRTP_FREED) this.#stats.unknownTarget++
    else if (sealed < 0) this.#stats.refusedReuse++
    else this.#hand(target, sealed)
  }

  #writeHeader(target: FanTarget, packet: Uint8Array): void {
    const source = new DataView(packet.buffer, packet.byteOffset)
    this.#plain[0] = target.extensions.length > 0 ? 0x90 : 0x80
    this.#plain[1] = (packet[1]! & 0x80) | (target.payloadType & 0x7f)
    this.#plainView.setUint16(2, source.getUint16(2) + target.sequenceOffset)
    this.#plainView.setUint32(4, source.getUint32(4) + target.timestampOffset)
    this.#plainView.setUint32(8, target.ssrc)
  }

  #hand(target: FanTarget, length: number): void {
    this.#stats.systemCalls++
    if (this.#socket.send(target.to, this.#sealed.subarray(0, length))) this.#stats.sent++
    else this.#stats.refusedByKernel++
  }

  stats(): FanOutStats {
    return { ...this.#stats }
  }
}

export const createPlainFanOut = (socket: UdpSocket): FanOut => new PlainFanOut(socket)
