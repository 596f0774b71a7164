/** Tag times of one source as one line that never wraps, jumps or runs back; all its tracks share it. */
import { unwrap32 } from '../time.ts'

/** A tag this far ahead of what the clock on the wall allows is a jump, not a pause. */
const MAX_AHEAD_MS = 10_000
/** Decode times of one track never run back; more than an encoder's jitter means a restarted clock. */
const MAX_BACK_MS = 100
const WIRE_RANGE = 2 ** 32
/** A stream that starts this near below the wrap starts with negative times. */
const MAX_NEGATIVE_MS = 3_600_000

const firstTime = (wire: number): number => (wire >= WIRE_RANGE - MAX_NEGATIVE_MS ? wire - WIRE_RANGE : wire)

/** Where one track stands on the line. Made by `Timeline.track()`. */
export interface TrackTimeline {
  /**
   * Milliseconds on the line, for a tag time as on the wire. Steps back of up to 100 ms are left to the
   * caller.
   */
  place(wireMs: number, arrivalUs: number): number
}
export interface Timeline {
  track(): TrackTimeline
}
export interface TimelineEvents {
  /** `ms` is how far the source's clock moved, negative for back. Said once for all tracks that follow. */
  onJump(ms: number): void
}

/**
 * A jump of one track sets a new offset for the source; the others take it over when their own tags jump too.
 * So tracks keep their distance to each other, whatever the order in which their tags of the new time arrive.
 */
export const createTimeline = (events: TimelineEvents): Timeline => {
  let unwrapped: number | undefined
  /** The furthest point of all tracks, and when it came; the next tag of any track is expected near it. */
  let newest: number | undefined
  let newestArrivalUs = 0
  let sourceOffset = 0

  /** 32 bit on the wire, taken as signed by some senders: the nearest value to the last one is meant. */
  const unwrap = (wireMs: number): number => {
    unwrapped = unwrapped === undefined ? firstTime(wireMs >>> 0) : unwrap32(unwrapped, wireMs)
    return unwrapped
  }

  const track = (): TrackTimeline => {
    let offset = 0
    let last: number | undefined

    const continues = (ms: number, elapsedMs: number): boolean =>
      last === undefined || newest === undefined
        ? true
        : ms >= last - MAX_BACK_MS && ms <= newest + elapsedMs + MAX_AHEAD_MS

    const reanchor = (raw: number, elapsedMs: number): void => {
      if (continues(raw + sourceOffset, elapsedMs)) {
        offset = sourceOffset
        return
      }
      const moved = raw + offset - last!
      offset = newest! + Math.max(1, Math.round(elapsedMs)) - raw
      sourceOffset = offset
      events.onJump(moved)
    }

    return {
      place(wireMs, arrivalUs) {
        const raw = unwrap(wireMs)
        const elapsedMs = Math.max(0, (arrivalUs - newestArrivalUs) / 1000)
        if (last === undefined) {
          offset = sourceOffset
          last = newest
        }
        if (!continues(raw + offset, elapsedMs)) reanchor(raw, elapsedMs)
        last = raw + offset
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
