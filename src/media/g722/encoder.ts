/** ITU-T G.722 at 64 kbit/s, encoding: one byte from each two samples of 16 kHz. */
import { Band } from './band.ts'
import { ILN, ILP, Q6, QM2, QM4, QMF, RH2, RL42, WH, WL } from './tables.ts'

const clamp16 = (value: number): number => (value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value)

const TAPS = 24
/** Decision level of the higher band's quantiser. */
const Q2 = 564

export class G722Encoder {
  readonly #low = new Band('low')
  readonly #high = new Band('high')
  readonly #line = new Int32Array(TAPS)

  /** An even number of samples of 16 kHz. */
  encode(pcm: Int16Array): Uint8Array {
    const out = new Uint8Array(pcm.length >> 1)
    for (let i = 0; i < out.length; i++) out[i] = this.#encodePair(pcm[2 * i]!, pcm[2 * i + 1]!)
    return out
  }

  /** The transmitting quadrature mirror filter, section 3.1. */
  #encodePair(first: number, second: number): number {
    const line = this.#line
    line.copyWithin(0, 2)
    line[TAPS - 2] = first
    line[TAPS - 1] = second
    let odd = 0
    let even = 0
    for (let i = 0; i < TAPS / 2; i++) {
      odd += line[2 * i]! * QMF[i]!
      even += line[2 * i + 1]! * QMF[TAPS / 2 - 1 - i]!
    }
    return (this.#encodeHigh((even - odd) >> 14) << 6) | this.#encodeLow((even + odd) >> 14)
  }

  #encodeLow(sample: number): number {
    const band = this.#low
    const difference = clamp16(sample - band.s)
    const size = difference >= 0 ? difference : -(difference + 1)
    let level = 1
    while (level < 30 && size >= (Q6[level]! * band.det) >> 12) level++
    const code = (difference < 0 ? ILN : ILP)[level]!
    const quantised = (band.det * QM4[code >> 2]!) >> 15
    band.scale(WL[RL42[code >> 2]!]!)
    band.adapt(quantised)
    return code
  }

  #encodeHigh(sample: number): number {
    const band = this.#high
    const difference = clamp16(sample - band.s)
    const size = difference >= 0 ? difference : -(difference + 1)
    const isLarge = size >= (Q2 * band.det) >> 12
    const code = difference < 0 ? (isLarge ? 0 : 1) : isLarge ? 2 : 3
    const quantised = (band.det * QM2[code]!) >> 15
    band.scale(WH[RH2[code]!]!)
    band.adapt(quantised)
    return code
  }
}
