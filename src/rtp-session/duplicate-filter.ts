/** Numbers so far behind the newest are too old to tell. */
const LENGTH = 2048
/** Most numbers that are remembered of one gap: behind a wider one nothing is repaired. */
const MAX_GAP = 512

/**
 * Tells which sequence numbers came before, so that a repair of what was not lost goes nowhere. It remembers those that
 * have not come: of most streams, none.
 */
export class DuplicateFilter {
  #missing: Set<number> | undefined
  #lowest = 0
  #newest = 0
  #begun = false

  /** true: new; it is remembered. false: seen before, or too old to tell. `seq` is unwrapped. */
  admit(seq: number): boolean {
    if (seq === this.#newest + 1 && this.#begun) this.#newest = seq
    else if (!this.#begun) this.#begin(seq)
    else if (seq > this.#newest) this.#skip(seq)
    else if (seq < this.#lowest) return this.#goBack(seq)
    else return this.#missing?.delete(seq) === true && seq > this.#newest - LENGTH
    return true
  }

  #begin(seq: number): void {
    this.#begun = true
    this.#lowest = this.#newest = seq
  }

  #skip(seq: number): void {
    this.#miss(this.#newest + 1, seq)
    this.#newest = seq
  }

  /** The first packet was not the first that was sent. */
  #goBack(seq: number): boolean {
    if (seq <= this.#newest - LENGTH) return false
    this.#miss(seq + 1, this.#lowest)
    this.#lowest = seq
    return true
  }

  #miss(from: number, to: number): void {
    this.#missing ??= new Set()
    for (let seq = Math.max(from, to - MAX_GAP); seq < to; seq++) this.#missing.add(seq)
    if (this.#missing.size > LENGTH)
      for (const seq of this.#missing) if (seq <= to - LENGTH) this.#missing.delete(seq)
  }
}
