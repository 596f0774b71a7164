/** What happens to a sink that cannot keep up: one gauge per subscription, read before each write. */
import type { Clock, CloseReason, Egress, Pressure } from './types.ts'

export interface PressureGauge {
  readonly lossless: boolean
  /** May this unit be written now? Polls the backlog; may end the subscription. */
  admits(): boolean
  /** A lossless sink has half of what it may hold: the source should wait. */
  isBehind(): boolean
  /** A burst was written at once, whatever the limit: what waits now is no slowness until it has drained. */
  excuseBacklog(): void
}
export interface PressureOptions {
  readonly clock: Clock
  readonly label: string
  readonly pressure: Pressure
  readonly backlog: () => number
  readonly giveUp: (reason: CloseReason) => void
}

class DropToKey implements PressureGauge {
  readonly lossless = false
  readonly #options: PressureOptions
  readonly #highWater: number
  readonly #giveUpUs: number
  #excused = 0
  /** When the backlog went over the limit; 0 while it is within. */
  #slowSince = 0

  constructor(options: PressureOptions, highWater: number, giveUpMs: number) {
    this.#options = options
    this.#highWater = highWater
    this.#giveUpUs = giveUpMs * 1000
  }

  /** Once over the limit, half of it must drain before anything is written again. */
  admits(): boolean {
    const backlog = this.#options.backlog()
    if (this.#slowSince > 0)
      return backlog <= this.#highWater / 2 ? this.#recover() : this.#stillSlow(backlog)
    if (backlog <= this.#highWater) {
      this.#excused = 0
      return true
    }
    if (backlog <= this.#highWater + this.#excused) return true
    this.#slowSince = this.#options.clock.now()
    return false
  }

  isBehind(): boolean {
    return false
  }

  excuseBacklog(): void {
    this.#excused = this.#options.backlog()
  }

  #recover(): boolean {
    this.#slowSince = 0
    this.#excused = 0
    return true
  }

  #stillSlow(backlog: number): boolean {
    const { clock, label, giveUp } = this.#options
    const slowUs = clock.now() - this.#slowSince
    if (slowUs < this.#giveUpUs) return false
    const detail = `${label} was too slow for ${Math.round(slowUs / 1000)} ms: ${backlog} bytes wait, ${this.#highWater} may`
    giveUp({ code: 'slow-subscriber', detail })
    return false
  }
}

class Lossless implements PressureGauge {
  readonly lossless = true
  readonly #options: PressureOptions
  readonly #highWater: number

  constructor(options: PressureOptions, highWater: number) {
    this.#options = options
    this.#highWater = highWater
  }

  admits(): boolean {
    const backlog = this.#options.backlog()
    if (backlog <= this.#highWater) return true
    const detail = `${this.#options.label} must lose nothing, but ${backlog} bytes wait and ${this.#highWater} may`
    this.#options.giveUp({ code: 'slow-subscriber', detail })
    return false
  }

  isBehind(): boolean {
    return this.#options.backlog() > this.#highWater / 2
  }

  excuseBacklog(): void {}
}

/** undefined: nothing to measure, units are handed over and forgotten. */
export const createPressureGauge = (options: PressureOptions): PressureGauge | undefined => {
  const { pressure } = options
  if (pressure.mode === 'drop-to-key') return new DropToKey(options, pressure.highWater, pressure.giveUpMs)
  return pressure.mode === 'lossless' ? new Lossless(options, pressure.highWater) : undefined
}

/** The gauge of an egress; its backlog is 0 where it cannot say. */
export const gaugeOf = (
  egress: Egress,
  clock: Clock,
  giveUp: (reason: CloseReason) => void,
): PressureGauge | undefined =>
  createPressureGauge({
    clock,
    label: egress.label,
    pressure: egress.pressure,
    backlog: () => egress.backlog?.() ?? 0,
    giveUp,
  })
