const LENGTH = 2048
const MASK = LENGTH - 1

/** Remembers which of the last 2048 sequence numbers came, so that a repair of what was not lost goes nowhere. */
export class DuplicateFilter {
  /** Numbers before the first may be negative, so the empty slot is no number at all. */
  readonly #ring = new Float64Array(LENGTH).fill(Number.NaN)
  #newest = Number.NEGATIVE_INFINITY

  /** true: new; it is remembered. false: seen before, or too old to tell. `seq` is unwrapped. */
  admit(seq: number): boolean {
    if (seq <= this.#newest - LENGTH) return false
    const slot = seq & MASK
    if (this.#ring[slot] === seq) return false
    this.#ring[slot] = seq
    if (seq > this.#newest) this.#newest = seq
    return true
  }
}
