/** Times of 33 bits, as ticks of 90 kHz on the line that all tracks of a source share. */
import { createTimeline, type TimelineEvents } from '../timeline.ts'

const RANGE = 2 ** 33
const TICKS_PER_MS = 90
/** Multiplexers hold sound and pictures back by different times. */
const MAX_INTERLEAVE_MS = 5000
/** Decoding is ahead of showing by less; more is damage. */
const MAX_COMPOSITION = 10 * 90_000

/** The value nearest to `reference` whose low 33 bits are `value`. */
const unwrap33 = (reference: number, value: number): number => {
  const distance = (((value - reference) % RANGE) + RANGE) % RANGE
  return reference + (distance >= RANGE / 2 ? distance - RANGE : distance)
}

export interface TrackTime {
  /** Decode time on the line; steps back of up to 100 ms are left to the caller. */
  place(dts: number, arrivalUs: number): number
}
export interface SourceTime {
  track(): TrackTime
}

export const createSourceTime = (events: TimelineEvents): SourceTime => {
  const timeline = createTimeline(events, MAX_INTERLEAVE_MS)
  let unwrapped: number | undefined
  return {
    track() {
      const placed = timeline.track()
      return {
        place(dts, arrivalUs) {
          unwrapped = unwrapped === undefined ? dts : unwrap33(unwrapped, dts)
          return Math.round(placed.place(unwrapped / TICKS_PER_MS, arrivalUs) * TICKS_PER_MS)
        },
      }
    },
  }
}

/** Ticks from decoding to showing. undefined: shown before it is decoded, or absurdly late. */
export const compositionOf = (pts: number, dts: number): number | undefined => {
  const ticks = unwrap33(0, pts - dts)
  return ticks < 0 || ticks > MAX_COMPOSITION ? undefined : ticks
}
