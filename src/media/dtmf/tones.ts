/** The two tones of each key: ITU-T Q.23. */
import type { Digit } from './digits.ts'

/** Hertz. */
export const ROWS = [697, 770, 852, 941] as const
export const COLUMNS = [1209, 1336, 1477, 1633] as const
const LAYOUT = ['123A', '456B', '789C', '*0#D'] as const

export const keyAt = (row: number, column: number): Digit => LAYOUT[row]![column] as Digit

export const tonesOf = (digit: Digit): readonly [row: number, column: number] => {
  const row = LAYOUT.findIndex(keys => keys.includes(digit))
  return [ROWS[row]!, COLUMNS[LAYOUT[row]!.indexOf(digit)]!]
}

/** -9 and -7 dBm0: the higher tone is sent stronger, as lines damp it more (Q.24 allows up to 4 dB). */
const ROW_AMPLITUDE = 8000
const COLUMN_AMPLITUDE = 10_000
/** Switched on and off so slowly that nothing clicks. */
const EDGE_S = 0.003

/** The sound of a pressed key. `rate`: samples per second. */
export const digitTone = (digit: Digit, durationMs: number, rate: number): Int16Array => {
  const [row, column] = tonesOf(digit)
  const out = new Int16Array(Math.round((durationMs * rate) / 1000))
  const edge = Math.round(EDGE_S * rate)
  for (let i = 0; i < out.length; i++) {
    const near = Math.min(1, (i + 1) / edge, (out.length - i) / edge)
    const phase = (2 * Math.PI * i) / rate
    out[i] = Math.round(
      near * (ROW_AMPLITUDE * Math.sin(phase * row) + COLUMN_AMPLITUDE * Math.sin(phase * column)),
    )
  }
  return out
}
