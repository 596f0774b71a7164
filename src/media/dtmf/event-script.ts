/** What is sent for pressed keys by RFC 4733 section 2.5.1: pure data, for whoever paces packets. */
import { type Digit, eventOf } from './digits.ts'
import { MAX_EVENT_DURATION, type TelephoneEvent } from './event-payload.ts'

/** One packet. Packets of one press have one timestamp, that of its beginning. */
export interface EventStep {
  /** Milliseconds since the first press began at which it leaves. */
  readonly atMs: number
  /** Milliseconds since the first press began at which its press began: gives its timestamp. */
  readonly beganMs: number
  /** The first of its press. */
  readonly marker: boolean
  readonly told: TelephoneEvent
}

export interface PressTimes {
  /** How long a key is held. Default 100, at least 40. */
  readonly durationMs?: number
  /** Between two keys. Default 100, at least 40: ITU-T Q.24. */
  readonly gapMs?: number
}

const PACKET_MS = 20
/** RFC 4733 section 2.5.1.4: the end is told three times. */
const END_PACKETS = 3
const DEFAULT_MS = 100
const MIN_MS = 40
/** Longer presses would need segments; nothing that listens wants one. */
const MAX_DURATION_MS = 1000
const VOLUME = 10

/** Held and silent times as they are carried out. */
export const pressTimes = ({
  durationMs = DEFAULT_MS,
  gapMs = DEFAULT_MS,
}: PressTimes): Required<PressTimes> => ({
  durationMs: Math.min(MAX_DURATION_MS, Math.max(MIN_MS, durationMs)),
  gapMs: Math.max(MIN_MS, gapMs),
})

const press = (digit: Digit, beganMs: number, durationMs: number, clockRate: number): EventStep[] => {
  const event = eventOf(digit)
  const step = (heldMs: number, atMs: number, end: boolean): EventStep => {
    const duration = Math.min(MAX_EVENT_DURATION, Math.round((heldMs * clockRate) / 1000))
    const told = { event, end, volume: VOLUME, duration }
    return { atMs: beganMs + atMs, beganMs, marker: !end && heldMs === PACKET_MS, told }
  }
  const steps: EventStep[] = []
  let heldMs = PACKET_MS
  for (; heldMs < durationMs; heldMs += PACKET_MS) steps.push(step(heldMs, heldMs - PACKET_MS, false))
  for (let i = 0; i < END_PACKETS; i++) steps.push(step(durationMs, heldMs - PACKET_MS + i * PACKET_MS, true))
  return steps
}

/** The packets of a dial string. `clockRate`: of the telephone-event payload type, 8000 or 48000. */
export const eventScript = (
  digits: readonly Digit[],
  clockRate: number,
  times: PressTimes = {},
): readonly EventStep[] => {
  const { durationMs, gapMs } = pressTimes(times)
  const held = Math.ceil(durationMs / PACKET_MS) * PACKET_MS
  const pause = Math.max(Math.ceil(gapMs / PACKET_MS), END_PACKETS - 1) * PACKET_MS
  return digits.flatMap((digit, i) => press(digit, i * (held + pause), durationMs, clockRate))
}
