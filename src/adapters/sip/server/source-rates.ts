import type { Clock } from '../../../core/types.ts'

interface Bucket {
  tokens: number
  atUs: number
}

/** Most sources that are watched. */
const maxSources = 20_000

/** 'answer': one too many, say so. 'ignore': more than twice as many, answering costs more than it is worth. */
export type RateRuling = 'admit' | 'answer' | 'ignore'

export interface Rate {
  readonly perSecond: number
  /** So many at once. */
  readonly burst: number
}

/** New requests of each source in a second, over a burst. */
export class SourceRates {
  readonly #clock: Clock
  readonly #buckets = new Map<string, Bucket>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#buckets.size
  }

  admit(source: string, { perSecond, burst }: Rate): RateRuling {
    const bucket = this.#bucketOf(source, burst)
    const now = this.#clock.now()
    const refill = ((now - bucket.atUs) / 1e6) * perSecond
    bucket.tokens = Math.min(burst, bucket.tokens + refill) - 1
    bucket.atUs = now
    if (bucket.tokens >= 0) return 'admit'
    if (bucket.tokens >= -burst) return 'answer'
    bucket.tokens = -burst
    return 'ignore'
  }

  #bucketOf(source: string, burst: number): Bucket {
    const known = this.#buckets.get(source)
    if (known !== undefined) return known
    if (this.#buckets.size >= maxSources) this.#forgetOldest()
    const bucket = { tokens: burst, atUs: this.#clock.now() }
    this.#buckets.set(source, bucket)
    return bucket
  }

  /** A tenth at once, in the order they came. */
  #forgetOldest(): void {
    let left = maxSources / 10
    for (const source of this.#buckets.keys()) {
      if (left-- <= 0) return
      this.#buckets.delete(source)
    }
  }
}
