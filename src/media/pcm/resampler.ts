/** Another sample rate, by a polyphase filter: blocks join without a seam, and loudness stays. */

/** Zero crossings of the sinc on each side: the slope from what passes to what is stopped. */
const ZEROS = 24
/** Of the Kaiser window: what is stopped is 90 dB down. */
const BETA = 9
/** Half amplitude lies at this share of the lower Nyquist frequency. */
const CUTOFF = 0.94

const bessel = (x: number): number => {
  let sum = 1
  let term = 1
  for (let k = 1; k < 40; k++) {
    term *= (x / (2 * k)) ** 2
    sum += term
  }
  return sum
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b))

interface Bank {
  /** Steps up and down of the rate: `up` outputs for `down` inputs. */
  readonly up: number
  readonly down: number
  /** Inputs that make one output. */
  readonly taps: number
  /** Of phase p from p * taps. Each phase sums to 1, so that no rate of samples changes the level. */
  readonly weights: Float32Array
}

const createBank = (from: number, to: number): Bank => {
  const divisor = commonDivisor(from, to)
  const [up, down] = [to / divisor, from / divisor]
  const cutoff = CUTOFF * Math.min(1, to / from)
  const half = Math.ceil(ZEROS / cutoff)
  const taps = 2 * half
  const weights = new Float32Array(up * taps)
  for (let phase = 0; phase < up; phase++) {
    let sum = 0
    for (let i = 0; i < taps; i++) {
      const x = i - half + 1 - phase / up
      const edge = x / half
      const window = Math.abs(edge) >= 1 ? 0 : bessel(BETA * Math.sqrt(1 - edge * edge)) / bessel(BETA)
      const weight = sinc(x * cutoff) * window
      weights[phase * taps + i] = weight
      sum += weight
    }
    for (let i = 0; i < taps; i++) weights[phase * taps + i]! /= sum
  }
  return { up, down, taps, weights }
}

const banks = new Map<string, Bank>()
const bankOf = (from: number, to: number): Bank => {
  const key = `${from}-${to}`
  const bank = banks.get(key) ?? createBank(from, to)
  banks.set(key, bank)
  return bank
}

const clamp16 = (value: number): number => (value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value)

export class Resampler {
  readonly #bank: Bank
  readonly #channels: number
  /** What the next outputs still need of the past, then the new block. */
  #line: Float32Array
  #kept: number
  /** Position of the next output: in whole inputs from the start of the line, and in steps of `up` between two. */
  #at = 0
  #phase = 0

  /** `from` and `to`: samples per second. Sound is interleaved where there are more channels than one. */
  constructor(from: number, to: number, channels = 1) {
    this.#bank = bankOf(from, to)
    this.#channels = channels
    this.#kept = this.#bank.taps - 1
    this.#line = new Float32Array(this.#kept * channels)
  }

  /** As many samples as are due: over time exactly `to / from` of those that went in. */
  push(pcm: Int16Array): Int16Array {
    this.#append(pcm)
    const { up, down, taps } = this.#bank
    const channels = this.#channels
    const out = new Int16Array(Math.ceil(((pcm.length / channels + 1) * up) / down) * channels)
    let written = 0
    for (; this.#at + taps <= this.#kept; this.#advance(down, up)) {
      for (let channel = 0; channel < channels; channel++) out[written++] = this.#sample(channel)
    }
    this.#forget()
    return out.subarray(0, written)
  }

  #advance(down: number, up: number): void {
    this.#phase += down
    while (this.#phase >= up) {
      this.#phase -= up
      this.#at += 1
    }
  }

  #sample(channel: number): number {
    const { taps, weights } = this.#bank
    const channels = this.#channels
    const line = this.#line
    let weight = this.#phase * taps
    let at = this.#at * channels + channel
    let sum = 0
    for (let i = 0; i < taps; i++, at += channels) sum += line[at]! * weights[weight++]!
    return clamp16(Math.round(sum))
  }

  #append(pcm: Int16Array): void {
    const used = this.#kept * this.#channels
    if (this.#line.length < used + pcm.length) {
      const longer = new Float32Array(used + pcm.length)
      longer.set(this.#line.subarray(0, used))
      this.#line = longer
    }
    this.#line.set(pcm, used)
    this.#kept += pcm.length / this.#channels
  }

  #forget(): void {
    this.#line.copyWithin(0, this.#at * this.#channels, this.#kept * this.#channels)
    this.#kept -= this.#at
    this.#at = 0
  }
}
