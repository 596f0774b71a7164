/** The clock of what is sent at a pace: ticks to the moment of leaving, or, where it is known, to that of capture. */
import type { Clock, TrackClock } from '../../core/types.ts'

export class PacedClock implements TrackClock {
  readonly rate: number
  readonly #clock: Clock
  readonly #startUs: number
  #source: TrackClock | undefined
  /** A tick, when it left, and which tick of the source it was. */
  #ts = 0
  #leftUs: number
  #sourceTs: number | undefined

  /** Tick 0 leaves at `startUs`, monotonic microseconds. */
  constructor(rate: number, startUs: number, clock: Clock) {
    this.rate = rate
    this.#startUs = startUs
    this.#leftUs = startUs
    this.#clock = clock
  }

  /** Sound now comes from a track with this clock; undefined: from none, or it is not known. */
  follow(source: TrackClock | undefined): void {
    this.#source = source
    this.#sourceTs = undefined
  }

  /** Tick `ts` leaves at `dueUs` and is `sourceTs` of the source; undefined: it is not the source's. */
  note(ts: number, dueUs: number, sourceTs: number | undefined): void {
    this.#ts = ts
    this.#leftUs = dueUs
    this.#sourceTs = sourceTs
  }

  /** The source's own times are what counts: nothing is anchored here. */
  anchor(): void {}

  /** The tick that should leave at this moment. */
  tickAt(us: number): number {
    return Math.round(((us - this.#startUs) * this.rate) / 1e6)
  }

  toWall(ts: number): number | undefined {
    const later = (ts - this.#ts) / this.rate
    const source = this.#sourceTs === undefined ? undefined : this.#source
    const captured = source?.toWall(this.#sourceTs! + later * source.rate)
    return captured ?? Math.round(this.#clock.wall() - this.#clock.now() + this.#leftUs + later * 1e6)
  }

  toStreamTime(ts: number): number {
    return Math.round(this.#startUs + (ts * 1e6) / this.rate)
  }

  fromStreamTime(us: number): number {
    return this.tickAt(us)
  }
}
