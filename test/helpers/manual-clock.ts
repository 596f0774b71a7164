/** A clock that stands still until a test turns it. */
import type { Clock } from '../../src/core/types.ts'

interface Alarm {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

export class ManualClock implements Clock {
  #now: number
  #order = 0
  #alarms: Alarm[] = []
  readonly #wallOffset: number

  constructor(startUs = 1_000_000, wallUs = 1_750_000_000_000_000) {
    this.#now = startUs
    this.#wallOffset = wallUs - startUs
  }

  now(): number {
    return this.#now
  }

  wall(): number {
    return this.#now + this.#wallOffset
  }

  after(delayUs: number, run: () => void): () => void {
    const alarm = { at: this.#now + Math.max(0, delayUs), order: this.#order++, run }
    this.#alarms.push(alarm)
    return () => {
      this.#alarms = this.#alarms.filter(other => other !== alarm)
    }
  }

  /** Timers not yet run nor cancelled. */
  get pending(): number {
    return this.#alarms.length
  }

  /** Runs every timer that falls due, in order, each at its own time. */
  advance(us: number): void {
    const end = this.#now + us
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#now = Math.max(this.#now, next.at)
      this.#alarms = this.#alarms.filter(alarm => alarm !== next)
      next.run()
    }
    this.#now = end
  }

  /** As `advance`, and lets promises settle between the steps. */
  async advanceAsync(us: number, stepUs = 100_000): Promise<void> {
    for (let left = us; left > 0; left -= stepUs) {
      this.advance(Math.min(left, stepUs))
      await settle()
    }
  }

  #next(end: number): Alarm | undefined {
    let first: Alarm | undefined
    for (const alarm of this.#alarms) {
      if (alarm.at > end) continue
      if (first === undefined || alarm.at < first.at || (alarm.at === first.at && alarm.order < first.order))
        first = alarm
    }
    return first
  }
}

/** Lets everything that promises have queued up run. */
export const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
