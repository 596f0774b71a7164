/** Pressed keys out of telephone-event packets: each once, whatever is lost, doubled, late or unmarked. */
import type { RtpPacket } from '../types.ts'
import { type Digit, digitOfEvent } from './digits.ts'
import { MAX_EVENT_DURATION, readTelephoneEvent, type TelephoneEvent } from './event-payload.ts'

export interface EventReader {
  /** The key of this packet when it is the first one seen of its press. */
  read(packet: RtpPacket): Digit | undefined
  readonly stats: EventReaderStats
}
export interface EventReaderStats {
  readonly digits: number
  /** Too short, or no key. */
  readonly ignored: number
}

/** Presses that are remembered: packets of one may come behind those of the next few. */
const REMEMBERED = 8
/** RFC 4733 section 2.5.1.3: a press longer than 16 bits of ticks goes on in a segment with a later timestamp. */
const SEGMENT_SLACK_TICKS = 400

interface Press {
  readonly ts: number
  readonly event: number
  longest: number
  ended: boolean
}

class OnceEach implements EventReader {
  #digits = 0
  #ignored = 0
  readonly #presses: Press[] = []

  read(packet: RtpPacket): Digit | undefined {
    const told = readTelephoneEvent(packet.bytes.subarray(packet.payloadStart, packet.payloadEnd))
    const digit = told && digitOfEvent(told.event)
    if (told === undefined || digit === undefined) {
      this.#ignored += 1
      return undefined
    }
    if (this.#isKnown(packet.ts, told)) return undefined
    this.#digits += 1
    return digit
  }

  get stats(): EventReaderStats {
    return { digits: this.#digits, ignored: this.#ignored }
  }

  /** Marker bits get lost and some senders set none: a press is its timestamp and its key. */
  #isKnown(ts: number, { event, duration, end }: TelephoneEvent): boolean {
    const press = this.#presses.find(known => known.ts === ts && known.event === event)
    if (press !== undefined) {
      press.longest = Math.max(press.longest, duration)
      press.ended ||= end
      return true
    }
    const continues = this.#presses.some(known => isNextSegment(known, ts, event))
    this.#presses.push({ ts, event, longest: duration, ended: end })
    if (this.#presses.length > REMEMBERED) this.#presses.shift()
    return continues
  }
}

const isNextSegment = (press: Press, ts: number, event: number): boolean =>
  press.event === event &&
  !press.ended &&
  press.longest > MAX_EVENT_DURATION / 2 &&
  Math.abs(ts - press.ts - MAX_EVENT_DURATION) < SEGMENT_SLACK_TICKS

/** One per incoming stream of a call. */
export const createEventReader = (): EventReader => new OnceEach()
