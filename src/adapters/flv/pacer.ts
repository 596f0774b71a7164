/** When the tags of a file are due, as if they came live. */
import type { Clock } from '../../core/types.ts'

/** Further ahead is a jump of the recorded clock, not a pause; further back is another clock. */
const MAX_AHEAD_MS = 10_000
const MAX_BACK_MS = 1_000

export interface Pacer {
  /** Microseconds to wait until a media tag with this time is due; 0 or less: now. */
  waitUs(timestampMs: number): number
}

export const createPacer = (clock: Clock): Pacer => {
  let startUs = 0
  let startMs = 0
  let last: number | undefined
  return {
    waitUs(timestampMs) {
      const moved = last === undefined ? Number.NaN : (timestampMs - last) | 0
      if (!(moved >= -MAX_BACK_MS && moved <= MAX_AHEAD_MS)) {
        startUs = clock.now()
        startMs = timestampMs
      }
      last = timestampMs
      return startUs + ((timestampMs - startMs) | 0) * 1000 - clock.now()
    },
  }
}
