/** What was given to the encoder and has not come back: a ring, so that nothing is allocated per packet. */
const CAPACITY = 4096

export class InFlight {
  readonly #ends = new Float64Array(CAPACITY)
  readonly #durations = new Float64Array(CAPACITY)
  readonly #writtenUs = new Float64Array(CAPACITY)
  #head = 0
  #count = 0
  #ticks = 0

  get count(): number {
    return this.#count
  }

  /** Ticks of sound that wait. */
  get ticks(): number {
    return this.#ticks
  }

  /** When the oldest that waits was written; undefined when nothing waits. */
  get oldestUs(): number | undefined {
    return this.#count === 0 ? undefined : this.#writtenUs[this.#head]!
  }

  get full(): boolean {
    return this.#count === CAPACITY
  }

  /** `end`: tick after the packet's last sample. */
  add(end: number, duration: number, nowUs: number): void {
    const at = (this.#head + this.#count) % CAPACITY
    this.#ends[at] = end
    this.#durations[at] = duration
    this.#writtenUs[at] = nowUs
    this.#count += 1
    this.#ticks += duration
  }

  /** Sound up to `end` came back: when the packet with its last sample was written; undefined when nothing waited. */
  take(end: number): number | undefined {
    let written: number | undefined
    while (this.#count > 0) {
      written = this.#writtenUs[this.#head]!
      if (this.#ends[this.#head]! > end + 1) break
      this.#ticks -= this.#durations[this.#head]!
      this.#head = (this.#head + 1) % CAPACITY
      this.#count -= 1
    }
    return written
  }
}
