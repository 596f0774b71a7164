import type { ExtraHeaders } from '../message/types.ts'

/** What a call is made of. */
export const callMethods = [
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'OPTIONS',
  'PRACK',
  'UPDATE',
  'INFO',
  'REFER',
  'NOTIFY',
]

/** Bodies that are read. */
export const acceptedTypes = [
  'application/sdp',
  'application/dtmf-relay',
  'application/dtmf',
  'message/sipfrag',
]

export const capabilityHeaders = (allow: readonly string[], supported: readonly string[]): ExtraHeaders => ({
  Allow: [...callMethods, ...allow].join(', '),
  Accept: acceptedTypes.join(', '),
  Supported: supported.join(', '),
})
