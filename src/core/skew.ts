/** How far sound and picture of one stream, or of one reader, are apart. */
import type { Kind } from '../media/types.ts'
import type { Histogram } from './histogram.ts'

/** Sound that came longer ago says nothing about the picture of now. */
const freshUs = 5_000_000

export class Skew {
  readonly #histogram: Histogram
  #soundDelay = 0
  #soundAt = Number.NEGATIVE_INFINITY

  constructor(histogram: Histogram) {
    this.#histogram = histogram
  }

  /** `delay`: now less the unit's stream time, both in microseconds. */
  note(kind: Kind, delay: number, now: number): void {
    if (kind === 'audio') {
      this.#soundDelay = delay
      this.#soundAt = now
    } else if (kind === 'video' && now - this.#soundAt < freshUs) {
      this.#histogram.observe((delay - this.#soundDelay) / 1e6)
    }
  }
}
