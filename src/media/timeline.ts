/** Times of one source as one line that never jumps or runs back; all its tracks share it. */

/** A time this far ahead of what the clock on the wall allows is a jump, not a pause. */
const MAX_AHEAD_MS = 10_000
/** Decode times of one track never run back; more than an encoder's jitter means a restarted clock. */
const MAX_BACK_MS = 100

/** Where one track stands on the line. Made by `Timeline.track()`. */
export interface TrackTimeline {
  /**
   * Milliseconds on the line, for a time of the source that was unwrapped. Steps back of up to 100 ms are left to the
   * caller.
   */
  place(ms: number, arrivalUs: number): number
}
export interface Timeline {
  track(): TrackTimeline
}
export interface TimelineEvents {
  /** `ms` is how far the source's clock moved, negative for back. Said once for all tracks that follow. */
  onJump(ms: number): void
}

/**
 * `interleaveMs`: how far behind the others a track may begin, as its packets lie in the source.
 * A jump of one track sets a new offset for the source; the others take it over when their own times jump too.
 * So tracks keep their distance to each other, whatever the order in which their packets of the new time arrive.
 */
export const createTimeline = (events: TimelineEvents, interleaveMs = 0): Timeline => {
  /** The furthest point of all tracks, and when it came; the next time of any track is expected near it. */
  let newest: number | undefined
  let newestArrivalUs = 0
  let sourceOffset = 0

  const track = (): TrackTimeline => {
    let offset = 0
    let last: number | undefined

    const continues = (ms: number, elapsedMs: number): boolean =>
      last === undefined || newest === undefined
        ? true
        : ms >= last - MAX_BACK_MS && ms <= newest + elapsedMs + MAX_AHEAD_MS

    const reanchor = (ms: number, elapsedMs: number): void => {
      if (continues(ms + sourceOffset, elapsedMs)) {
        offset = sourceOffset
        return
      }
      const moved = ms + offset - last!
      offset = newest! + Math.max(1, Math.round(elapsedMs)) - ms
      sourceOffset = offset
      events.onJump(moved)
    }

    return {
      place(ms, arrivalUs) {
        const elapsedMs = Math.max(0, (arrivalUs - newestArrivalUs) / 1000)
        if (last === undefined) {
          offset = sourceOffset
          last = newest === undefined ? undefined : newest - interleaveMs
        }
        if (!continues(ms + offset, elapsedMs)) reanchor(ms, elapsedMs)
        last = ms + offset
        if (newest === undefined || last > newest) {
          newest = last
          newestArrivalUs = arrivalUs
        }
        return last
      },
    }
  }
  return { track }
}
