/** Arrival times of all packets of one transport, reported to the sender for its bandwidth estimate. */
import { MAX_DELTA_UNITS } from '../media/rtcp/transport-feedback.ts'
import type { TransportFeedback } from '../media/rtcp/types.ts'
import { unwrap16 } from '../media/time.ts'

/** Packets that one feedback covers at most; the ring is larger, so late ones still find their place. */
const MAX_REPORTED = 1024
const LENGTH = 4096
const MASK = LENGTH - 1
const UNIT_US = 250

/** Keeps when each transport-wide sequence number came, and writes what has not been reported yet. */
export class TransportFeedbackRecorder {
  /** Units of 250 µs; -1: not received. */
  readonly #arrivals = new Float64Array(LENGTH).fill(-1)
  readonly #sequences = new Float64Array(LENGTH).fill(-1)
  #next: number | undefined
  #highest = 0
  #count = 0

  /** `sequence` as on the wire, `arrival` in monotonic microseconds. */
  record(sequence: number, arrival: number): void {
    const seq = this.#next === undefined ? sequence + 0x10000 : unwrap16(this.#highest, sequence)
    if (this.#next === undefined) this.#next = this.#highest = seq
    // Too far ahead: the sender began anew, or lost so much that nothing can be said of it.
    if (seq > this.#highest + MAX_REPORTED || seq < this.#highest - MAX_REPORTED)
      this.#next = this.#highest = seq
    const slot = seq & MASK
    if (this.#sequences[slot] === seq) return
    this.#sequences[slot] = seq
    this.#arrivals[slot] = Math.floor(arrival / UNIT_US)
    if (seq > this.#highest) this.#highest = seq
    // Late: told again from there on, since the first report said that it was missing.
    if (seq < this.#next) this.#next = seq
  }

  /** What came since the last call; several when times lie too far apart for one; empty when nothing came. */
  take(sender: number, media: number): readonly TransportFeedback[] {
    if (this.#next === undefined || this.#next > this.#highest) return []
    const feedbacks: TransportFeedback[] = []
    let from = this.#next
    while (from <= this.#highest) {
      const arrivals = this.#run(from)
      const firstReceived = arrivals.findIndex(arrival => arrival !== undefined)
      if (firstReceived >= 0)
        feedbacks.push({
          type: 'transport-feedback',
          sender,
          media,
          baseSequence: from & 0xffff,
          feedbackCount: this.#count++ & 255,
          arrivals,
        })
      from += arrivals.length
    }
    this.#next = this.#highest + 1
    return feedbacks
  }

  /** Arrivals from `from` on, up to where a distance no longer fits. */
  #run(from: number): (number | undefined)[] {
    const arrivals: (number | undefined)[] = []
    let last: number | undefined
    for (let seq = from; seq <= this.#highest && arrivals.length < MAX_REPORTED; seq++) {
      const arrival = this.#arrivalOf(seq)
      if (arrival !== undefined && last !== undefined && Math.abs(arrival - last) > MAX_DELTA_UNITS) break
      last = arrival ?? last
      arrivals.push(arrival)
    }
    return arrivals
  }

  #arrivalOf(seq: number): number | undefined {
    const slot = seq & MASK
    return this.#sequences[slot] === seq ? this.#arrivals[slot] : undefined
  }
}
