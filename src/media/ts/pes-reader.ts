/** PES packets, ISO/IEC 13818-1 section 2.4.3.6: the media of one PID with its times. */
import { uint16 } from '../bytes.ts'

const FIRST_BYTES = 16_384
/** Start code, stream_id and length; then flags and the length of the rest of the header. */
const PREFIX_BYTES = 6
const HEADER_BYTES = 9

/** One whole packet. */
export interface Pes {
  /** The media; never written again. */
  readonly data: Uint8Array
  /** Ticks of 90 kHz, 33 bits as on the wire; absent in what goes on with the media of the packet before. */
  readonly pts: number | undefined
  readonly dts: number | undefined
  /** Microseconds, monotonic, when its last byte came. */
  readonly arrival: number
}

export interface PesEvents {
  onPes(pes: Pes): void
  /** Something was dropped. */
  onLost(cause: string): void
}

/** Five bytes with marker bits between, table 2-21. */
const readTime = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! & 0x0e) * 2 ** 29 +
  (bytes[at + 1]! << 22) +
  ((bytes[at + 2]! & 0xfe) << 14) +
  (bytes[at + 3]! << 7) +
  (bytes[at + 4]! >> 1)

export class PesReader {
  readonly #events: PesEvents
  readonly #maxBytes: number
  /** Written over by each packet, and grown up to `maxBytes`. */
  #bytes = new Uint8Array(FIRST_BYTES)
  #length = 0
  #begun = false
  #arrival = 0

  /** @param maxBytes what one packet may have */
  constructor(maxBytes: number, events: PesEvents) {
    this.#maxBytes = maxBytes
    this.#events = events
  }

  /** The payload of one transport packet. */
  push(packet: Uint8Array, start: number, end: number, unitStart: boolean, arrival: number): void {
    if (unitStart) {
      this.flush()
      this.#begun = true
      this.#length = 0
    }
    if (!this.#begun) return
    if (this.#length + end - start > this.#maxBytes) {
      this.#lost(`PES packet above ${this.#maxBytes} bytes`)
      return
    }
    this.#append(packet, start, end)
    this.#arrival = arrival
    const length = this.#declared
    if (length !== undefined && this.#length >= length) this.#finish(length)
  }

  /** A transport packet of the PID was lost: what was begun is dropped. */
  interrupt(): void {
    this.#begun = false
  }

  /** Where the length is not said, a packet ends where the next begins, or with the source. */
  flush(): void {
    if (!this.#begun) return
    if (this.#declared === undefined && this.#length >= HEADER_BYTES) this.#finish(this.#length)
    else this.#lost('PES packet cut short')
  }

  /** Whole length in bytes; undefined: it is not said, or not known yet. */
  get #declared(): number | undefined {
    if (this.#length < PREFIX_BYTES) return undefined
    const length = uint16(this.#bytes, 4)
    return length === 0 ? undefined : PREFIX_BYTES + length
  }

  #append(packet: Uint8Array, start: number, end: number): void {
    const needed = this.#length + end - start
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(this.#maxBytes, Math.max(needed, this.#bytes.length * 2)))
      grown.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = grown
    }
    this.#bytes.set(packet.subarray(start, end), this.#length)
    this.#length = needed
  }

  #finish(end: number): void {
    this.#begun = false
    const pes = this.#parse(end)
    if (typeof pes === 'string') this.#lost(pes)
    else this.#events.onPes(pes)
  }

  #parse(end: number): Pes | string {
    const bytes = this.#bytes
    if (bytes[0] !== 0 || bytes[1] !== 0 || bytes[2] !== 1) return 'no PES start code'
    const dataAt = HEADER_BYTES + bytes[8]!
    const flags = bytes[7]! >> 6
    const timeBytes = flags === 3 ? 10 : flags === 2 ? 5 : 0
    if ((bytes[6]! & 0xc0) !== 0x80 || dataAt > end || dataAt < HEADER_BYTES + timeBytes)
      return 'damaged PES header'
    const pts = timeBytes > 0 ? readTime(bytes, HEADER_BYTES) : undefined
    const dts = timeBytes > 5 ? readTime(bytes, HEADER_BYTES + 5) : pts
    return { data: bytes.slice(dataAt, end), pts, dts, arrival: this.#arrival }
  }

  #lost(cause: string): void {
    this.#begun = false
    this.#events.onLost(cause)
  }
}
