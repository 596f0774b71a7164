/** The times of encoded packets as readers see them: never backwards, whoever made them, exact where they are joined. */
export interface OutputTimeline {
  /** undefined: the time of this packet is already taken. */
  place(pts: number, duration: number): { readonly pts: number; readonly discontinuity: boolean } | undefined
  /** The source's clock was set anew: times start over with the next packet. */
  reset(): void
}

/** Rounding between two clocks moves a packet by no more than this. */
const ROUNDING_TICKS = 2

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
