import type { Frame, Kind } from '../types.ts'
import { RTP_HEADER_BYTES } from './packet.ts'
import type { PacketSink } from './types.ts'

/** As much as a second or two of each fills: a slab lives as long as the last of its packets. */
const SLAB_BYTES = { audio: 8192, video: 65_536 }

/**
 * Lays packets one after the other into slabs that are never written again. A packet is held back until the
 * next one begins, so that the last of a frame gets the marker without the codec having to look ahead.
 */
export class PacketWriter {
  readonly #emit: PacketSink
  readonly #slabBytes: number
  #slab: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  #free = 0
  #start = 0
  #length = 0
  #seq = 0
  #ts = 0
  #key = true
  #head = true
  #arrival = 0

  constructor(kind: Kind, emit: PacketSink) {
    this.#slabBytes = kind === 'video' ? SLAB_BYTES.video : SLAB_BYTES.audio
    this.#emit = emit
  }

  /** The bytes that `open` gave a place in. */
  get bytes(): Uint8Array {
    return this.#slab
  }

  /** Begins a frame, or a part of one that goes out as a frame of its own at `ts`. */
  begin(frame: Frame, ts = frame.pts): void {
    this.#ts = ts
    this.#key = frame.key
    this.#head = true
    this.#arrival = frame.arrival
  }

  /** Adds a packet; returns where in `bytes` its payload of `size` bytes must now be written. */
  open(size: number): number {
    if (this.#length > 0) this.#flush(false)
    const length = RTP_HEADER_BYTES + size
    if (this.#free + length > this.#slab.length) this.#nextSlab(length)
    this.#start = this.#free
    this.#length = length
    this.#free += length
    return this.#start + RTP_HEADER_BYTES
  }

  /**
   * A packet whose payload is `source[from, to)` behind `prefix` bytes that the caller fills in at the place
   * returned.
   */
  copy(source: Uint8Array, from: number, to: number, prefix: number): number {
    const at = this.open(prefix + to - from)
    const whole = from === 0 && to === source.length
    this.#slab.set(whole ? source : source.subarray(from, to), at + prefix)
    return at
  }

  /** Ends the frame: the packet held back goes out. */
  end(marker: boolean): void {
    if (this.#length > 0) this.#flush(marker)
  }

  #nextSlab(length: number): void {
    const slab = Buffer.allocUnsafeSlow(Math.max(this.#slabBytes, length))
    this.#slab = new Uint8Array(slab.buffer)
    this.#free = 0
  }

  #flush(marker: boolean): void {
    const slab = this.#slab
    const at = this.#start
    const ts = this.#ts
    slab[at] = 0x80
    slab[at + 1] = marker ? 0x80 : 0
    slab[at + 2] = this.#seq >> 8
    slab[at + 3] = this.#seq
    slab[at + 4] = ts >>> 24
    slab[at + 5] = ts >>> 16
    slab[at + 6] = ts >>> 8
    slab[at + 7] = ts
    slab[at + 8] = 0
    slab[at + 9] = 0
    slab[at + 10] = 0
    slab[at + 11] = 0
    this.#emit({
      bytes: new Uint8Array(slab.buffer, at, this.#length),
      payloadStart: RTP_HEADER_BYTES,
      payloadEnd: this.#length,
      seq: this.#seq,
      ts,
      marker,
      key: this.#key,
      head: this.#head,
      arrival: this.#arrival,
    })
    this.#seq += 1
    this.#length = 0
    this.#head = false
  }
}
