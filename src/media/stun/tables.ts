/** Numbers of STUN (RFC 8489) and ICE (RFC 8445 16). */
export const MAGIC_COOKIE = 0x2112a442
export const HEADER_BYTES = 20
export const INTEGRITY_BYTES = 20
export const FINGERPRINT_XOR = 0x5354554e

export const STUN_TYPE = {
  bindingRequest: 0x0001,
  bindingIndication: 0x0011,
  bindingSuccess: 0x0101,
  bindingError: 0x0111,
} as const

export const ATTRIBUTE = {
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  unknownAttributes: 0x000a,
  messageIntegritySha256: 0x001c,
  xorMappedAddress: 0x0020,
  priority: 0x0024,
  useCandidate: 0x0025,
  fingerprint: 0x8028,
  iceControlled: 0x8029,
  iceControlling: 0x802a,
} as const
