/** AV1 aggregation header, AV1 RTP payload specification section 4.4: Z Y W W N - - -. */
import { OBU } from './obu.ts'

const CONTINUES = 0x80
const ONE_ELEMENT = 0x10
const COUNT = 0x30
const NEW_SEQUENCE = 0x08

/** Type of the OBU that the payload begins with; -1 when it continues one or is cut short. */
const firstObuType = (bytes: Uint8Array, start: number, end: number): number => {
  if (start >= end || bytes[start]! & CONTINUES) return -1
  let at = start + 1
  if ((bytes[start]! & COUNT) !== ONE_ELEMENT) {
    while (at < end && bytes[at]! > 0x7f) at += 1
    at += 1
  }
  return at < end ? (bytes[at]! >> 3) & 15 : -1
}

/**
 * First packet of a new coded video sequence, or of a temporal unit with a sequence header: decoding can
 * start here.
 */
export const isKeyAv1Payload = (bytes: Uint8Array, start: number, end: number): boolean =>
  (start < end && (bytes[start]! & (CONTINUES | NEW_SEQUENCE)) === NEW_SEQUENCE) ||
  firstObuType(bytes, start, end) === OBU.sequenceHeader

/**
 * First packet of a temporal unit. Only the start of a sequence is certain: a temporal unit may hold several
 * frames, and the start of the second looks like that of the first.
 */
export const isHeadAv1Payload = isKeyAv1Payload
