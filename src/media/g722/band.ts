/** The adaptive predictor and the quantiser's scale of one band: ITU-T G.722 sections 3.3 to 3.6, in its names. */
import { ILB } from './tables.ts'

const clamp16 = (value: number): number => (value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value)

export class Band {
  /** The signal that is predicted. */
  s = 0
  /** Scale of the quantiser. */
  det: number
  #sz = 0
  #nb = 0
  readonly #nbMax: number
  readonly #shift: number
  #r1 = 0
  #r2 = 0
  #p1 = 0
  #p2 = 0
  #a1 = 0
  #a2 = 0
  readonly #b = new Int32Array(6)
  /** Quantised differences, the newest first. */
  readonly #d = new Int32Array(6)

  constructor(which: 'low' | 'high') {
    this.det = which === 'low' ? 32 : 8
    this.#nbMax = which === 'low' ? 18_432 : 22_528
    this.#shift = which === 'low' ? 8 : 10
  }

  /** Blocks LOGSCL, SCALEL, LOGSCH, SCALEH. */
  scale(multiplier: number): void {
    const nb = ((this.#nb * 127) >> 7) + multiplier
    this.#nb = nb < 0 ? 0 : nb > this.#nbMax ? this.#nbMax : nb
    const down = this.#shift - (this.#nb >> 11)
    const step = ILB[(this.#nb >> 6) & 31]!
    this.det = (down < 0 ? step << -down : step >> down) << 2
  }

  /** Blocks PARREC to PREDIC: takes the quantised difference in and predicts the next sample. */
  adapt(d: number): void {
    const r = clamp16(this.s + d)
    const p = clamp16(this.#sz + d)
    this.#adaptPoles(p)
    this.#adaptZeros(d)
    this.#r2 = this.#r1
    this.#r1 = r
    this.#p2 = this.#p1
    this.#p1 = p
    const poles = ((this.#a1 * clamp16(r + r)) >> 15) + ((this.#a2 * clamp16(this.#r2 + this.#r2)) >> 15)
    this.#sz = this.#zeros()
    this.s = clamp16(clamp16(poles) + this.#sz)
  }

  /** Blocks UPPOL2 and UPPOL1. */
  #adaptPoles(p: number): void {
    const sign = p >> 15
    const likeLast = sign === this.#p1 >> 15
    const a1 = clamp16(this.#a1 << 2)
    const turned = likeLast ? Math.min(-a1, 32_767) : a1
    let a2 = (sign === this.#p2 >> 15 ? 128 : -128) + (turned >> 7) + ((this.#a2 * 32_512) >> 15)
    a2 = a2 > 12_288 ? 12_288 : a2 < -12_288 ? -12_288 : a2
    const bound = clamp16(15_360 - a2)
    const next = clamp16((likeLast ? 192 : -192) + ((this.#a1 * 32_640) >> 15))
    this.#a1 = next > bound ? bound : next < -bound ? -bound : next
    this.#a2 = a2
  }

  /** Block UPZERO, and the delay line. */
  #adaptZeros(d: number): void {
    const step = d === 0 ? 0 : 128
    const sign = d >> 15
    for (let i = 0; i < 6; i++) {
      const change = this.#d[i]! >> 15 === sign ? step : -step
      this.#b[i] = clamp16(change + ((this.#b[i]! * 32_640) >> 15))
    }
    this.#d.copyWithin(1, 0, 5)
    this.#d[0] = d
  }

  /** Block FILTEZ. */
  #zeros(): number {
    let sum = 0
    for (let i = 0; i < 6; i++) sum += (this.#b[i]! * clamp16(this.#d[i]! + this.#d[i]!)) >> 15
    return clamp16(sum)
  }
}
