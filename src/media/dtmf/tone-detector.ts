/** Keys heard in sound, by the Goertzel algorithm and the tolerances of ITU-T Q.24. Speech and music are no keys. */
import type { Digit } from './digits.ts'
import { COLUMNS, keyAt, ROWS } from './tones.ts'

/** One look lasts so long: two in a row make a key, so 40 ms of tone are always enough and 20 ms never. */
const LOOK_S = 0.012_75
/** Weakest tone, as mean square of a sample: -40 dBm0. */
const WEAKEST = 40_000
/** Column over row, and row over column, in power: 4 and 8 dB (Q.24), with 1 dB for the window. */
const MAX_TWIST = 3.2
const MAX_REVERSE_TWIST = 8
/** The strongest of a group over each other of it, in power. */
const PEAK = 6.3
/** Share of all power that lies in the two tones: less of it is speech. Tones 1.5 % off have 80 %. */
const PURE = 0.74
/** A key that is held is still there at this share of its power: 10 ms may be missing (Q.24). */
const STILL = 0.15

class Bins {
  readonly #coefficients: Float64Array
  readonly #first: Float64Array
  readonly #second: Float64Array

  constructor(frequencies: readonly number[], rate: number) {
    this.#coefficients = Float64Array.from(frequencies, f => 2 * Math.cos((2 * Math.PI * f) / rate))
    this.#first = new Float64Array(frequencies.length)
    this.#second = new Float64Array(frequencies.length)
  }

  add(sample: number): void {
    for (let i = 0; i < this.#coefficients.length; i++) {
      const next = sample + this.#coefficients[i]! * this.#first[i]! - this.#second[i]!
      this.#second[i] = this.#first[i]!
      this.#first[i] = next
    }
  }

  /** Powers since the last call, as sums of squares times half the number of samples. */
  take(): Float64Array {
    const powers = this.#coefficients.map((k, i) => {
      const [a, b] = [this.#first[i]!, this.#second[i]!]
      return a * a + b * b - k * a * b
    })
    this.#first.fill(0)
    this.#second.fill(0)
    return powers
  }
}

const strongest = (powers: Float64Array): number => powers.indexOf(Math.max(...powers))

const standsOut = (powers: Float64Array, best: number): boolean =>
  powers.every((power, i) => i === best || power * PEAK < powers[best]!)

export class ToneDetector {
  readonly #rows: Bins
  readonly #columns: Bins
  readonly #look: number
  readonly #onDigit: (digit: Digit) => void
  #count = 0
  #power = 0
  #last: Digit | undefined
  #pressed: Digit | undefined
  /** Bins and power of the key that was heard last. */
  #row = 0
  #column = 0
  #strength = 0

  /** `rate`: samples per second of what is pushed. */
  constructor(rate: number, onDigit: (digit: Digit) => void) {
    this.#rows = new Bins(ROWS, rate)
    this.#columns = new Bins(COLUMNS, rate)
    this.#look = Math.round(rate * LOOK_S)
    this.#onDigit = onDigit
  }

  push(pcm: Int16Array): void {
    for (const sample of pcm) {
      this.#rows.add(sample)
      this.#columns.add(sample)
      this.#power += sample * sample
      this.#count += 1
      if (this.#count === this.#look) this.#judge()
    }
  }

  /** A key begins with two looks that agree, and ends with two that do not hear it. */
  #judge(): void {
    const heard = this.#hear()
    if (heard !== this.#pressed && this.#last !== this.#pressed) {
      this.#pressed = heard === this.#last ? heard : undefined
      if (this.#pressed !== undefined) this.#onDigit(this.#pressed)
    }
    this.#last = heard
    this.#count = 0
    this.#power = 0
  }

  #hear(): Digit | undefined {
    const [rows, columns] = [this.#rows.take(), this.#columns.take()]
    const heard = this.#key(rows, columns)
    if (heard !== undefined || this.#pressed === undefined) return heard
    const left = Math.min(rows[this.#row]!, columns[this.#column]!)
    return left > this.#strength * STILL ? this.#pressed : undefined
  }

  #key(rows: Float64Array, columns: Float64Array): Digit | undefined {
    const [row, column] = [strongest(rows), strongest(columns)]
    const [low, high] = [rows[row]!, columns[column]!]
    // A tone of mean square P gives P * n * n / 2.
    const scale = (this.#count * this.#count) / 2
    if (low < WEAKEST * scale || high < WEAKEST * scale) return undefined
    if (high > low * MAX_TWIST || low > high * MAX_REVERSE_TWIST) return undefined
    if (!standsOut(rows, row) || !standsOut(columns, column)) return undefined
    if (low + high < (PURE * this.#power * this.#count) / 2) return undefined
    this.#row = row
    this.#column = column
    this.#strength = Math.min(low, high)
    return keyAt(row, column)
  }
}
