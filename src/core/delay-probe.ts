/** What a unit took from its arrival to a reader, and how far sound and picture are apart there. Told of a sample. */
import type { Frame, RtpPacket } from '../media/types.ts'
import type { Measures } from './measures.ts'
import { Skew } from './skew.ts'
import type { TrackNode } from './track.ts'
import type { Clock } from './types.ts'

export class DelayProbe {
  /** Of the last unit sampled. */
  latencyUs: number | undefined
  readonly #clock: Clock
  readonly #measures: Measures
  readonly #skew: Skew

  constructor(clock: Clock, measures: Measures) {
    this.#clock = clock
    this.#measures = measures
    this.#skew = new Skew(measures.skewOut)
  }

  sample(unit: Frame | RtpPacket, track: TrackNode): void {
    const now = this.#clock.now()
    this.latencyUs = now - unit.arrival
    this.#measures.latency.observe(this.latencyUs / 1e6)
    const streamTime = track.clock.toStreamTime('dts' in unit ? unit.dts : unit.ts)
    this.#skew.note(track.kind, now - streamTime, now)
  }
}
