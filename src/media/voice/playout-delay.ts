/**
 * When sound is due: as soon as most of its packets have come. Learns how unevenly they come; waits longer at once,
 * and shorter little by little. Time is never stretched: what is said of one tick moves all that follow.
 */
import { Extremes } from './extremes.ts'

export interface PlayoutDelayOptions {
  /** Ticks per second. */
  readonly rate: number
  /** Least and most time that sound waits for packets behind it, milliseconds. Default 20 and 200. */
  readonly minMs?: number
  readonly maxMs?: number
}

/** Beyond the unevenness seen. */
const SLACK_US = 4000
/** Unevenness, and the transit time of the luckiest packets, are those of the last one or two such windows. */
const WINDOW_US = 2_500_000
/** Share of media time by which the delay falls. */
const FALL = 0.05
/** A packet so far off comes from a clock that was set anew. */
const JUMP_US = 1_000_000
/** So many in a row behind all that may be waited for: the way has become longer. */
const LATE_IN_A_ROW = 5

export class PlayoutDelay {
  readonly #usPerTick: number
  readonly #minUs: number
  readonly #maxUs: number
  /** Arrival less media time, microseconds: least and most of late. */
  readonly #transit = new Extremes(WINDOW_US)
  #offset: number | undefined
  #newestTs = 0
  #late = 0

  constructor({ rate, minMs = 20, maxMs = 200 }: PlayoutDelayOptions) {
    this.#usPerTick = 1e6 / rate
    this.#minUs = minMs * 1000
    this.#maxUs = maxMs * 1000
  }

  /** A packet came. true: it begins a new time line, nothing before it counts. */
  note(ts: number, arrivalUs: number): boolean {
    const transit = arrivalUs - ts * this.#usPerTick
    const isNew = this.#offset === undefined || Math.abs(transit - this.#transit.least) > JUMP_US
    if (isNew || this.#isLongerWay(transit)) return this.#begin(ts, transit, isNew)
    this.#transit.add(transit, arrivalUs)
    const wanted = this.#transit.least + this.#wantedUs
    const passed = Math.max(0, ts - this.#newestTs) * this.#usPerTick
    this.#newestTs = Math.max(this.#newestTs, ts)
    const most = this.#transit.least + this.#maxUs
    this.#offset = Math.min(most, Math.max(wanted, this.#offset! - passed * FALL))
    return false
  }

  /** Monotonic microseconds at which the sound of this tick is due; undefined before the first packet. */
  dueUs(ts: number): number | undefined {
    return this.#offset === undefined ? undefined : this.#offset + ts * this.#usPerTick
  }

  /** How long the luckiest packets wait now. */
  get delayUs(): number {
    return this.#offset === undefined ? this.#minUs : this.#offset - this.#transit.least
  }

  /** Difference between the luckiest and the unluckiest packets of late. */
  get unevennessUs(): number {
    return this.#offset === undefined ? 0 : this.#transit.most - this.#transit.least
  }

  forget(): void {
    this.#offset = undefined
  }

  get #wantedUs(): number {
    return Math.min(this.#maxUs, Math.max(this.#minUs, this.unevennessUs + SLACK_US))
  }

  #isLongerWay(transit: number): boolean {
    this.#late = transit - this.#transit.least > this.#maxUs ? this.#late + 1 : 0
    return this.#late >= LATE_IN_A_ROW
  }

  #begin(ts: number, transit: number, isNew: boolean): boolean {
    this.#transit.restart(transit)
    this.#offset = transit + this.#minUs
    this.#newestTs = ts
    this.#late = 0
    return isNew
  }
}
