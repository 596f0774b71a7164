/** ITU-T G.722 at 64 kbit/s, decoding: two samples of 16 kHz from each byte. */
import { Band } from './band.ts'
import { QM2, QM4, QM6, QMF, RH2, RL42, WH, WL } from './tables.ts'

const clamp15 = (value: number): number => (value > 16_383 ? 16_383 : value < -16_384 ? -16_384 : value)
const clamp16 = (value: number): number => (value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value)

const TAPS = 24

export class G722Decoder {
  readonly #low = new Band('low')
  readonly #high = new Band('high')
  readonly #line = new Int32Array(TAPS)

  /** Samples of 16 kHz, twice as many as there are bytes. */
  decode(codes: Uint8Array): Int16Array {
    const out = new Int16Array(codes.length * 2)
    for (let i = 0; i < codes.length; i++) {
      const low = this.#decodeLow(codes[i]! & 0x3f)
      const high = this.#decodeHigh(codes[i]! >> 6)
      this.#join(low, high, out, i * 2)
    }
    return out
  }

  #decodeLow(code: number): number {
    const band = this.#low
    const sample = clamp15(band.s + ((band.det * QM6[code]!) >> 15))
    const difference = (band.det * QM4[code >> 2]!) >> 15
    band.scale(WL[RL42[code >> 2]!]!)
    band.adapt(difference)
    return sample
  }

  #decodeHigh(code: number): number {
    const band = this.#high
    const difference = (band.det * QM2[code]!) >> 15
    const sample = clamp15(band.s + difference)
    band.scale(WH[RH2[code]!]!)
    band.adapt(difference)
    return sample
  }

  /** The receiving quadrature mirror filter, section 4.4. */
  #join(low: number, high: number, out: Int16Array, at: number): void {
    const line = this.#line
    line.copyWithin(0, 2)
    line[TAPS - 2] = low + high
    line[TAPS - 1] = low - high
    let first = 0
    let second = 0
    for (let i = 0; i < TAPS / 2; i++) {
      second += line[2 * i]! * QMF[i]!
      first += line[2 * i + 1]! * QMF[TAPS / 2 - 1 - i]!
    }
    out[at] = clamp16(first >> 11)
    out[at + 1] = clamp16(second >> 11)
  }
}
