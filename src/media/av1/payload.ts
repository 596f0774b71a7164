/** AV1 aggregation header, AV1 RTP payload specification section 4.4: Z Y W W N - - -. */
const CONTINUES = 0x80
const NEW_SEQUENCE = 0x08

/** First packet of a new coded video sequence: decoding can start here. */
export const isKeyAv1Payload = (bytes: Uint8Array, start: number, end: number): boolean =>
  start < end && (bytes[start]! & (CONTINUES | NEW_SEQUENCE)) === NEW_SEQUENCE

/**
 * Certainly the first packet of a temporal unit. Only the start of a sequence is certain: a temporal unit may hold
 * several frames, and the start of the second looks like that of the first.
 */
export const isHeadAv1Payload = isKeyAv1Payload
