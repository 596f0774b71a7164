/** Directions as either side sees them (RFC 3264 6.1). */
import type { Direction } from '../../../media/sdp/types.ts'

export const sends = (direction: Direction): boolean => direction === 'sendrecv' || direction === 'sendonly'
export const receives = (direction: Direction): boolean =>
  direction === 'sendrecv' || direction === 'recvonly'

const directionFrom = (sending: boolean, receiving: boolean): Direction => {
  if (sending) return receiving ? 'sendrecv' : 'sendonly'
  return receiving ? 'recvonly' : 'inactive'
}

/** Of this end: what it wants, as far as the far side goes along. */
export const agreedDirection = (own: Direction, theirs: Direction): Direction =>
  directionFrom(sends(own) && receives(theirs), receives(own) && sends(theirs))
