import type { Clock } from '../../../core/types.ts'

interface Bucket {
  tokens: number
  atUs: number
}

/** Most addresses that are watched; the quiet ones go first. */
const maxSources = 20_000

/** New requests of each address in a second, over a burst. */
export class SourceRates {
  readonly #clock: Clock
  readonly #perSecond: number
  readonly #burst: number
  readonly #buckets = new Map<string, Bucket>()

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#burst = burst
  }

  get size(): number {
    return this.#buckets.size
  }

  /** 'answer': one too many, say so. 'ignore': more than twice as many, answering costs more than it is worth. */
  admit(ip: string): 'admit' | 'answer' | 'ignore' {
    const bucket = this.#bucketOf(ip)
    const now = this.#clock.now()
    const refill = ((now - bucket.atUs) / 1e6) * this.#perSecond
    bucket.tokens = Math.min(this.#burst, bucket.tokens + refill) - 1
    bucket.atUs = now
    if (bucket.tokens >= 0) return 'admit'
    if (bucket.tokens >= -this.#burst) return 'answer'
    bucket.tokens = -this.#burst
    return 'ignore'
  }

  #bucketOf(ip: string): Bucket {
    const known = this.#buckets.get(ip)
    if (known !== undefined) return known
    if (this.#buckets.size >= maxSources) this.#forgetOldest()
    const bucket = { tokens: this.#burst, atUs: this.#clock.now() }
    this.#buckets.set(ip, bucket)
    return bucket
  }

  /** A tenth at once, in the order they came. */
  #forgetOldest(): void {
    let left = maxSources / 10
    for (const ip of this.#buckets.keys()) {
      if (left-- <= 0) return
      this.#buckets.delete(ip)
    }
  }
}
