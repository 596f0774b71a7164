/** The payload of a telephone event: RFC 4733 section 2.3. */

/** Bytes of one event. */
export const EVENT_BYTES = 4
const END_BIT = 0x80
const VOLUME_MASK = 0x3f
export const MAX_EVENT_DURATION = 0xffff

export interface TelephoneEvent {
  /** 0 to 15 for the keys; 16 is a hook flash. */
  readonly event: number
  readonly end: boolean
  /** Power in -dBm0, 0 (loud) to 63. */
  readonly volume: number
  /** Since the beginning of the event or of its segment, in ticks of the clock of its payload type. */
  readonly duration: number
}

/** The first event of a payload; undefined: too short. */
export const readTelephoneEvent = (payload: Uint8Array): TelephoneEvent | undefined => {
  if (payload.length < EVENT_BYTES) return undefined
  const flags = payload[1]!
  return {
    event: payload[0]!,
    end: (flags & END_BIT) !== 0,
    volume: flags & VOLUME_MASK,
    duration: (payload[2]! << 8) | payload[3]!,
  }
}

/** Writes the four bytes at `at`. */
export const writeTelephoneEvent = (out: Uint8Array, at: number, told: TelephoneEvent): void => {
  out[at] = told.event
  out[at + 1] = (told.end ? END_BIT : 0) | (told.volume & VOLUME_MASK)
  out[at + 2] = (told.duration >> 8) & 0xff
  out[at + 3] = told.duration & 0xff
}
