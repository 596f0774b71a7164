const BUCKETS = 30 * 8

/** Exact below 16; above it the three bits behind the highest one choose among eight buckets. */
const shiftOf = (value: number): number => (value < 16 ? 0 : 28 - Math.clz32(value))

const endOf = (bucket: number): number => {
  const shift = bucket < 16 ? 0 : Math.floor(bucket / 8) - 1
  return (bucket - shift * 8 + 1) * 2 ** shift - 1
}

/** How late packets left: counts in buckets that are at most an eighth of their value wide. */
export class Lateness {
  readonly #buckets = new Float64Array(BUCKETS)
  #count = 0
  maxUs = 0

  add(us: number): void {
    const value = Math.min(Math.max(Math.floor(us), 0), 0x7fff_ffff)
    const shift = shiftOf(value)
    this.#buckets[shift * 8 + (value >> shift)]!++
    this.#count++
    if (value > this.maxUs) this.maxUs = value
  }

  /** The value that `share` of all are not above, rounded up; 0 when there are none. */
  quantileUs(share: number): number {
    let left = Math.floor(share * this.#count)
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#buckets[bucket]!
      if (left < 0) return Math.min(endOf(bucket), this.maxUs)
    }
    return this.maxUs
  }
}
