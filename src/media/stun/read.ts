/** STUN messages (RFC 8489) as ICE uses them (RFC 8445): reading and checking. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { ATTRIBUTE, FINGERPRINT_XOR, HEADER_BYTES, INTEGRITY_BYTES, MAGIC_COOKIE } from './tables.ts'

export interface StunMessage {
  /** Method and class, as on the wire; see STUN_TYPE. */
  readonly type: number
  readonly transactionId: Uint8Array
  readonly username: string | undefined
  readonly useCandidate: boolean
  readonly priority: number | undefined
  /** Byte offset of MESSAGE-INTEGRITY; undefined when the message carries none. */
  readonly integrityAt: number | undefined
  /** Comprehension-required attributes that are not known here (RFC 8489 6.3.1). */
  readonly unknownRequired: readonly number[]
}

const MAX_USERNAME_BYTES = 508

interface Attributes {
  username: string | undefined
  useCandidate: boolean
  priority: number | undefined
  integrityAt: number | undefined
  unknownRequired: number[]
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** RFC 8489 14.7: CRC-32 of everything before the attribute. */
const isFingerprintRight = (bytes: Uint8Array, view: DataView, at: number, length: number): boolean =>
  length === 4 &&
  at + 8 === bytes.length &&
  (crc32(bytes.subarray(0, at)) ^ FINGERPRINT_XOR) >>> 0 === view.getUint32(at + 4)

const take = (
  found: Attributes,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  type: number,
  length: number,
): boolean => {
  if (type === ATTRIBUTE.username) {
    if (length > MAX_USERNAME_BYTES) return false
    found.username = Buffer.from(bytes.buffer, bytes.byteOffset + at + 4, length).toString('utf8')
  } else if (type === ATTRIBUTE.useCandidate) found.useCandidate = true
  else if (type === ATTRIBUTE.priority) {
    if (length !== 4) return false
    found.priority = view.getUint32(at + 4)
  } else if (type === ATTRIBUTE.messageIntegrity) {
    if (length !== INTEGRITY_BYTES) return false
    found.integrityAt = at
  } else if (type < 0x8000 && type !== ATTRIBUTE.messageIntegritySha256) found.unknownRequired.push(type)
  return true
}

const readAttributes = (bytes: Uint8Array, view: DataView): Attributes | undefined => {
  const found: Attributes = {
    username: undefined,
    useCandidate: false,
    priority: undefined,
    integrityAt: undefined,
    unknownRequired: [],
  }
  let at = HEADER_BYTES
  while (at < bytes.length) {
    const type = view.getUint16(at)
    const length = view.getUint16(at + 2)
    const next = at + 4 + ((length + 3) & ~3)
    if (next > bytes.length) return undefined
    if (type === ATTRIBUTE.fingerprint) return isFingerprintRight(bytes, view, at, length) ? found : undefined
    // RFC 8489 14.5: what follows MESSAGE-INTEGRITY is not protected and therefore ignored.
    if (found.integrityAt === undefined && !take(found, bytes, view, at, type, length)) return undefined
    at = next
  }
  return found
}

/** Reads one STUN message; undefined when it is none, is damaged, or its FINGERPRINT is wrong. Integrity is NOT checked. */
export const readStun = (bytes: Uint8Array): StunMessage | undefined => {
  if (bytes.length < HEADER_BYTES || bytes.length % 4 !== 0) return undefined
  const view = viewOf(bytes)
  const type = view.getUint16(0)
  if (type > 0x3fff || view.getUint16(2) !== bytes.length - HEADER_BYTES) return undefined
  if (view.getUint32(4) !== MAGIC_COOKIE) return undefined
  const attributes = readAttributes(bytes, view)
  return attributes && { type, transactionId: bytes.slice(8, HEADER_BYTES), ...attributes }
}

/** HMAC-SHA1 over everything before the attribute, with the length field as if it ended there (RFC 8489 14.5). */
export const stunIntegrity = (bytes: Uint8Array, integrityAt: number, key: string): Uint8Array => {
  const covered = Buffer.from(bytes.subarray(0, integrityAt))
  covered.writeUInt16BE(integrityAt + 4 + INTEGRITY_BYTES - HEADER_BYTES, 2)
  return createHmac('sha1', key).update(covered).digest()
}

/** true: MESSAGE-INTEGRITY is present and was made with this password. Constant time. */
export const isStunIntegrityRight = (bytes: Uint8Array, message: StunMessage, key: string): boolean => {
  const at = message.integrityAt
  if (at === undefined) return false
  return timingSafeEqual(stunIntegrity(bytes, at, key), bytes.subarray(at + 4, at + 4 + INTEGRITY_BYTES))
}
