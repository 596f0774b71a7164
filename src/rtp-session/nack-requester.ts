/** A gap this wide is not repaired packet by packet. */
const MAX_MISSING = 500
/** Packets that came this much before the newest are of no use any more. */
const MAX_AGE_PACKETS = 1000
const MAX_TRIES = 10
/** Reordered packets get this long before they are asked for. */
const REORDER_US = 8000
const MIN_RETRY_US = 20_000

interface Missing {
  tries: number
  /** Monotonic microseconds from which on it is asked for. */
  askAt: number
}

/** Decides which packets of a stream to ask for again, and when (RFC 4585 6.2.1). Bounded in number, tries and age. */
export class NackRequester {
  /** Sequence numbers asked for, repeats included. */
  asked = 0
  /** Gaps that were too wide to repair. */
  hopeless = 0
  /** Packets given up after the last try, or for their age. */
  givenUp = 0
  readonly #missing = new Map<number, Missing>()
  #highest: number | undefined

  get pending(): number {
    return this.#missing.size
  }

  /** A packet came, in whatever order; `seq` is unwrapped. */
  arrived(seq: number, nowUs: number): void {
    const highest = this.#highest
    if (highest === undefined || seq === highest + 1) this.#highest = seq
    else if (seq > highest) this.#skipped(highest + 1, seq, nowUs)
    else if (this.#missing.size > 0) this.#missing.delete(seq)
  }

  /** Sequence numbers to ask for now, ascending, of 16 bits. A repeat waits for one round trip. */
  due(nowUs: number, roundTripUs: number): readonly number[] {
    if (this.#missing.size === 0) return []
    const wanted: number[] = []
    const retryUs = Math.max(MIN_RETRY_US, roundTripUs * 1.25)
    for (const [seq, missing] of this.#missing) {
      if (missing.tries >= MAX_TRIES || seq < this.#highest! - MAX_AGE_PACKETS) {
        this.#missing.delete(seq)
        this.givenUp++
      } else if (missing.askAt <= nowUs) {
        missing.tries++
        missing.askAt = nowUs + retryUs
        wanted.push(seq & 0xffff)
      }
    }
    this.asked += wanted.length
    return wanted
  }

  reset(): void {
    this.#missing.clear()
    this.#highest = undefined
  }

  #skipped(from: number, seq: number, nowUs: number): void {
    this.#highest = seq
    if (seq - from + this.#missing.size > MAX_MISSING) {
      this.#missing.clear()
      this.hopeless++
      return
    }
    for (let missing = from; missing < seq; missing++)
      this.#missing.set(missing, { tries: 0, askAt: nowUs + REORDER_US })
  }
}
