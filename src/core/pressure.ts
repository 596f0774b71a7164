/** What happens to a sink that cannot keep up: one gauge per subscription, read before each write. */
import type { Clock, CloseReason, Egress } from './types.ts'

export interface PressureGauge {
  readonly lossless: boolean
  /** May this unit be written now? Polls the backlog; may end the subscription. */
  admits(): boolean
  /** A lossless sink has half of what it may hold: the source should wait. */
  isBehind(): boolean
  /** A burst was written at once, whatever the limit: what waits now is no slowness until it has drained. */
  excuseBacklog(): void
}
interface GaugeOptions {
  readonly egress: Measured
  readonly clock: Clock
  readonly giveUp: (reason: CloseReason) => void
}
/** What there is to measure; without `backlog` nothing ever waits. */
export type Measured = Pick<Egress, 'label' | 'pressure' | 'backlog'>

class DropToKey implements PressureGauge {
  readonly lossless = false
  /** Apart from the other options: it is asked for each unit. */
  readonly #egress: Measured
  readonly #highWater: number
  readonly #giveUpUs: number
  readonly #options: GaugeOptions
  #excused = 0
  /** When the backlog went over the limit; 0 while it is within. */
  #slowSince = 0

  constructor(options: GaugeOptions, highWater: number, giveUpMs: number) {
    this.#egress = options.egress
    this.#options = options
    this.#highWater = highWater
    this.#giveUpUs = giveUpMs * 1000
  }

  /** Once over the limit, half of it must drain before anything is written again. */
  admits(): boolean {
    const backlog = this.#egress.backlog?.() ?? 0
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
    this.#excused = this.#egress.backlog?.() ?? 0
  }

  #recover(): boolean {
    this.#slowSince = 0
    this.#excused = 0
    return true
  }

  #stillSlow(backlog: number): boolean {
    const { clock, giveUp } = this.#options
    const { label } = this.#egress
    const slowUs = clock.now() - this.#slowSince
    if (slowUs < this.#giveUpUs) return false
    const detail = `${label} was too slow for ${Math.round(slowUs / 1000)} ms: ${backlog} bytes wait, ${this.#highWater} may`
    giveUp({ code: 'slow-subscriber', detail })
    return false
  }
}

class Lossless implements PressureGauge {
  readonly lossless = true
  readonly #options: GaugeOptions
  readonly #highWater: number

  constructor(options: GaugeOptions, highWater: number) {
    this.#options = options
    this.#highWater = highWater
  }

  admits(): boolean {
    const { egress, giveUp } = this.#options
    const backlog = this.#backlog()
    if (backlog <= this.#highWater) return true
    const detail = `${egress.label} must lose nothing, but ${backlog} bytes wait and ${this.#highWater} may`
    giveUp({ code: 'slow-subscriber', detail })
    return false
  }

  isBehind(): boolean {
    return this.#backlog() > this.#highWater / 2
  }

  excuseBacklog(): void {}

  #backlog(): number {
    return this.#options.egress.backlog?.() ?? 0
  }
}

/** undefined: nothing to measure, units are handed over and forgotten. */
export const gaugeOf = (
  egress: Measured,
  clock: Clock,
  giveUp: (reason: CloseReason) => void,
): PressureGauge | undefined => {
  const { pressure } = egress
  const options = { egress, clock, giveUp }
  if (pressure.mode === 'drop-to-key') return new DropToKey(options, pressure.highWater, pressure.giveUpMs)
  return pressure.mode === 'lossless' ? new Lossless(options, pressure.highWater) : undefined
}
