/** Tag times, 32 bits of milliseconds, on the line that all tracks of a source share. */
import { unwrap32 } from '../time.ts'
import { createTimeline, type Timeline, type TimelineEvents, type TrackTimeline } from '../timeline.ts'

const WIRE_RANGE = 2 ** 32
/** A stream that starts this near below the wrap starts with negative times. */
const MAX_NEGATIVE_MS = 3_600_000

const firstTime = (wire: number): number => (wire >= WIRE_RANGE - MAX_NEGATIVE_MS ? wire - WIRE_RANGE : wire)

/** As `createTimeline`, for times as on the wire. */
export const createTagTimeline = (events: TimelineEvents): Timeline => {
  const timeline = createTimeline(events)
  let unwrapped: number | undefined

  /** 32 bit on the wire, taken as signed by some senders: the nearest value to the last one is meant. */
  const unwrap = (wireMs: number): number => {
    unwrapped = unwrapped === undefined ? firstTime(wireMs >>> 0) : unwrap32(unwrapped, wireMs)
    return unwrapped
  }
  const track = (): TrackTimeline => {
    const placed = timeline.track()
    return { place: (wireMs, arrivalUs) => placed.place(unwrap(wireMs), arrivalUs) }
  }
  return { track }
}
