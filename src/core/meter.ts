/** Counts what passes a track, and knows how far it is. Rates are those of the last whole second with media. */
import type { Form, Frame, RtpPacket } from '../media/types.ts'
import { startsPicture } from './gop-cache.ts'

const windowUs = 1_000_000

/** Where a track is. Numbers: a unit that was kept would keep all that lies in memory around it. */
export interface LastUnit {
  /** Ticks: of a frame, in decode order. */
  readonly ts: number
  /** 0 of a packet, which does not tell. */
  readonly duration: number
  /** Undefined of a frame. */
  readonly seq: number | undefined
  readonly arrival: number
}

export class Meter implements LastUnit {
  ts = 0
  duration = 0
  seq: number | undefined
  arrival = 0
  units = 0
  bytes = 0
  bitsPerSecond = 0
  framesPerSecond = 0
  keyframeIntervalMs: number | undefined
  readonly #frames: boolean
  #windowStart = 0
  #windowBytes = 0
  #windowFrames = 0
  #keyTs: number | undefined
  #keyArrival = 0

  constructor(form: Form) {
    this.#frames = form === 'frame'
  }

  /** true: about once a second. */
  count(unit: Frame | RtpPacket, bytes: number): boolean {
    this.units++
    this.bytes += bytes
    this.#note(unit)
    const turns = unit.arrival - this.#windowStart >= windowUs
    if (turns) this.#turn(unit.arrival)
    this.#windowBytes += bytes
    if (this.#frames || (unit as RtpPacket).marker) this.#windowFrames++
    if (unit.key && startsPicture(unit)) this.#key(unit)
    return turns
  }

  #note(unit: Frame | RtpPacket): void {
    this.arrival = unit.arrival
    if ('dts' in unit) {
      this.ts = unit.dts
      this.duration = unit.duration
    } else {
      this.ts = unit.ts
      this.seq = unit.seq
    }
  }

  #turn(now: number): void {
    const elapsed = now - this.#windowStart
    if (this.#windowStart > 0) {
      this.bitsPerSecond = Math.round((this.#windowBytes * 8e6) / elapsed)
      this.framesPerSecond = Math.round((this.#windowFrames * 1e7) / elapsed) / 10
    }
    this.#windowStart = now
    this.#windowBytes = 0
    this.#windowFrames = 0
  }

  #key(unit: Frame | RtpPacket): void {
    const ts = 'ts' in unit ? unit.ts : unit.dts
    if (ts === this.#keyTs) return
    if (this.#keyTs !== undefined)
      this.keyframeIntervalMs = Math.round((unit.arrival - this.#keyArrival) / 1000)
    this.#keyTs = ts
    this.#keyArrival = unit.arrival
  }
}
