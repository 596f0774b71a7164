/** Counts what passes a track. Rates are those of the last whole second with media. */
import type { Form, Frame, RtpPacket } from '../media/types.ts'
import { startsPicture } from './gop-cache.ts'

const windowUs = 1_000_000

export class Meter {
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
    const turns = unit.arrival - this.#windowStart >= windowUs
    if (turns) this.#turn(unit.arrival)
    this.#windowBytes += bytes
    if (this.#frames || (unit as RtpPacket).marker) this.#windowFrames++
    if (unit.key && startsPicture(unit)) this.#key(unit)
    return turns
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
