/** Digits of one call's peer, however they come: telephone events, INFO, or tones in the sound. Each press once. */
import type { Clock } from '../../../core/types.ts'
import { createDigitFilter } from '../../../media/dtmf/digit-filter.ts'
import type { Digit, DigitWay } from '../../../media/dtmf/digits.ts'
import { createEventReader } from '../../../media/dtmf/event-reader.ts'
import { parseDtmfInfo } from '../../../media/dtmf/info-body.ts'
import { createToneListener } from '../../../media/dtmf/tone-listener.ts'
import type { RtpPacket } from '../../../media/types.ts'

export interface CallDigitsOptions {
  readonly clock: Pick<Clock, 'now'>
  onDigit(digit: Digit, way: DigitWay): void
}
export interface CallDigits {
  /** A packet of telephone-event. */
  event(packet: RtpPacket): void
  /** The body of an INFO. false: it is about something else, or names no key. */
  info(contentType: string, body: string): boolean
  /**
   * Sound of the peer, for tones in it: G.711 and G.722, other codecs are let pass. To be called only where the peer
   * sends no telephone events: listening costs about 1 % of what a transcode does.
   */
  sound(packet: RtpPacket, codec: string): void
}

export const createCallDigits = ({ clock, onDigit }: CallDigitsOptions): CallDigits => {
  const filter = createDigitFilter()
  const events = createEventReader()
  const tones = createToneListener(digit => press(digit, 'in-band'))
  const press = (digit: Digit, way: DigitWay): void => {
    if (filter.admit(digit, way, clock.now())) onDigit(digit, way)
  }
  return {
    event(packet) {
      const digit = events.read(packet)
      if (digit !== undefined) press(digit, 'rfc4733')
    },
    info(contentType, body) {
      const told = parseDtmfInfo(contentType, body)
      if (told !== undefined) press(told.digit, 'info')
      return told !== undefined
    },
    sound: (packet, codec) => tones.take(packet, codec),
  }
}
