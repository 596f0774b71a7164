/** One press may come two or three ways (RFC 4733, INFO, in the sound): it counts once. */
import type { Digit, DigitWay } from './digits.ts'

export interface DigitFilter {
  /** false: this press was counted when it came another way. */
  admit(digit: Digit, way: DigitWay, nowUs: number): boolean
}

/** Signalling may be so much later than media. */
const WINDOW_US = 2_000_000

interface Press {
  readonly digit: Digit
  readonly at: number
  readonly ways: Set<DigitWay>
}

/** One per call. */
export const createDigitFilter = (): DigitFilter => {
  let recent: Press[] = []
  return {
    admit(digit, way, nowUs) {
      recent = recent.filter(({ at }) => nowUs - at < WINDOW_US)
      const same = recent.find(press => press.digit === digit && !press.ways.has(way))
      if (same !== undefined) {
        same.ways.add(way)
        return false
      }
      recent.push({ digit, at: nowUs, ways: new Set([way]) })
      return true
    },
  }
}
