/**
 * Where each source packet stands on the encoder's time line. Packets that follow each other are counted, so that
 * rounded or slowly drifting times never cut a sample; what is really missing stays a gap.
 */
export interface InputTimeline {
  /**
   * Ticks for a packet at `pts`. 'overlap': its time is already taken, leave it out. 'jump': the source's clock was set
   * anew; begin a new time line with it.
   */
  place(pts: number, duration: number): number | 'overlap' | 'jump'
  /** Gaps met, and how long they were together, ticks. */
  readonly gaps: number
  readonly gapTicks: number
}

/** Longer silences and longer steps back are a new clock, not a pause. */
const MAX_GAP_S = 10
const MAX_BACK_S = 1

/** `rate`: ticks per second. */
export const createInputTimeline = (rate: number): InputTimeline => {
  let next: number | undefined
  let gaps = 0
  let gapTicks = 0

  const gap = (from: number, to: number): number => {
    gaps += 1
    gapTicks += to - from
    return to
  }

  const follow = (expected: number, pts: number, duration: number): number | 'overlap' | 'jump' => {
    const off = pts - expected
    if (off > MAX_GAP_S * rate || off < -MAX_BACK_S * rate) return 'jump'
    if (Math.abs(off) <= duration / 2) return expected
    return off > 0 ? gap(expected, pts) : 'overlap'
  }

  return {
    get gaps() {
      return gaps
    },
    get gapTicks() {
      return gapTicks
    },
    place(pts, duration) {
      const at = next === undefined ? pts : follow(next, pts, duration)
      if (typeof at === 'number') next = at + duration
      return at
    },
  }
}
