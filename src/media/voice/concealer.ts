/**
 * Sound in place of sound that is lost: the last period of the voice again, fading, then the noise of the room, in the
 * manner of ITU-T G.711 Appendix I, but without its delay. One channel.
 */
import { findPeriod, pitchHistory } from './pitch.ts'

/** Repeated as it is for so long, then fading to nothing. */
const HOLD_S = 0.01
const FADE_S = 0.05
/** Sound that comes back is faded in over so much of it, and over more the longer it was gone. */
const MEND_S = 0.005
const MEND_MORE_S = 0.004
const MEND_MOST_S = 0.01
/** The noise of a room is never taken to be louder than this, RMS of 16-bit samples. */
const LOUDEST_NOISE = 60
/** How fast the estimate of that noise rises, per block. */
const NOISE_RISE = 1.02

const clamp16 = (value: number): number =>
  value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : Math.round(value)

export class Concealer {
  readonly #rate: number
  readonly #past: Float32Array
  /** Present while sound is missing: the period that is repeated, and samples made so far. */
  #period: Float32Array | undefined
  #made = 0
  /** Between the end of the past and the period before it, spread over the first quarter of what is made. */
  #step = 0
  #noise = LOUDEST_NOISE / 4
  #seed = 1

  /** `rate`: samples per second. */
  constructor(rate: number) {
    this.#rate = rate
    this.#past = new Float32Array(pitchHistory(rate))
  }

  /** Sound came. It is mended in place where it follows what was made up. */
  heard(pcm: Int16Array): void {
    if (this.#period !== undefined) this.#mend(pcm)
    this.#learnNoise(pcm)
    this.#remember(pcm)
  }

  /** So many samples are missing. */
  conceal(count: number): Int16Array {
    const period = this.#period ?? this.#begin()
    this.#period = period
    const out = new Int16Array(count)
    for (let i = 0; i < count; i++) out[i] = clamp16(this.#sample(period, this.#made + i))
    this.#made += count
    this.#remember(out)
    return out
  }

  /** The last period of the past, its end bent so that it joins its own beginning. */
  #begin(): Float32Array {
    const past = this.#past
    const length = findPeriod(past, this.#rate)
    const period = past.slice(past.length - length)
    const bend = length >> 2
    const before = past.length - length
    for (let i = 0; i < bend; i++) {
      const weight = (i + 1) / (bend + 1)
      const at = length - bend + i
      period[at] = period[at]! * (1 - weight) + past[before - bend + i]! * weight
    }
    this.#made = 0
    this.#step = past[past.length - 1]! - past[before - 1]!
    return period
  }

  #sample(period: Float32Array, at: number): number {
    const fadeFrom = HOLD_S * this.#rate
    const faded = Math.max(0, Math.min(1, (at - fadeFrom) / (FADE_S * this.#rate)))
    const bend = period.length >> 2
    const step = at < bend ? this.#step * (1 - (at + 1) / (bend + 1)) : 0
    const voice = period[at % period.length]! + step
    return voice * (1 - faded) + this.#hiss() * faded
  }

  /** Uniform noise of the level of the room. */
  #hiss(): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) | 0
    return (this.#seed / 0x8000_0000) * this.#noise * Math.sqrt(3)
  }

  #mend(pcm: Int16Array): void {
    const period = this.#period!
    const seconds = Math.min(MEND_MOST_S, MEND_S + (this.#made / this.#rate / 0.01) * MEND_MORE_S)
    const length = Math.min(pcm.length, Math.round(seconds * this.#rate))
    for (let i = 0; i < length; i++) {
      const weight = (i + 1) / (length + 1)
      pcm[i] = clamp16(pcm[i]! * weight + this.#sample(period, this.#made + i) * (1 - weight))
    }
    this.#period = undefined
  }

  /** The quietest of what is heard: falls at once, rises slowly. */
  #learnNoise(pcm: Int16Array): void {
    if (pcm.length === 0) return
    let sum = 0
    for (let i = 0; i < pcm.length; i++) sum += pcm[i]! * pcm[i]!
    const level = Math.sqrt(sum / pcm.length)
    this.#noise = Math.min(LOUDEST_NOISE, level, Math.max(1, this.#noise) * NOISE_RISE)
  }

  #remember(pcm: Int16Array): void {
    const past = this.#past
    if (pcm.length >= past.length) {
      past.set(pcm.subarray(pcm.length - past.length))
      return
    }
    past.copyWithin(0, pcm.length)
    past.set(pcm, past.length - pcm.length)
  }
}
