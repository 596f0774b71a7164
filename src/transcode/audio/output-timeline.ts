import type { OutputTimeline } from '../types.ts'

/** Rounding between two clocks moves a packet by no more than this. */
const ROUNDING_TICKS = 2

/** Exact where runs are joined. */
export const createOutputTimeline = (): OutputTimeline => {
  let next: number | undefined
  return {
    place(pts, duration) {
      // Priming of an encoder at the very beginning of a stream; no time is negative.
      if (pts < 0) return undefined
      const joined = next !== undefined && Math.abs(pts - next) <= ROUNDING_TICKS
      if (next !== undefined && !joined && pts < next) return undefined
      const placed = { pts: joined ? next! : pts, discontinuity: next !== undefined && !joined }
      next = placed.pts + duration
      return placed
    },
    reset() {
      next = undefined
    },
  }
}
