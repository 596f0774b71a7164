/** STUN messages (RFC 8489) as ICE uses them: writing. */
import { isIPv6 } from 'node:net'
import { crc32 } from 'node:zlib'
import { stunIntegrity } from './read.ts'
import {
  ATTRIBUTE,
  FINGERPRINT_XOR,
  HEADER_BYTES,
  INTEGRITY_BYTES,
  MAGIC_COOKIE,
  STUN_TYPE,
} from './tables.ts'

const parseGroups = (part: string): number[] =>
  part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16))

/** The 16 bytes of an IPv6 address in text form, zone and IPv4 tail included. */
const ipv6Bytes = (ip: string): Uint8Array => {
  const plain = ip
    .replace(/%.*$/, '')
    .replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) =>
      [(Number(a) << 8) | Number(b), (Number(c) << 8) | Number(d)].map(n => n.toString(16)).join(':'),
    )
  const [head = '', tail] = plain.split('::')
  const first = parseGroups(head)
  const last = parseGroups(tail ?? '')
  const groups = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last]
  return Uint8Array.from(groups.flatMap(group => [group >> 8, group & 255]))
}

const ipBytes = (ip: string): Uint8Array =>
  isIPv6(ip) ? ipv6Bytes(ip) : Uint8Array.from(ip.split('.').map(Number))

/** RFC 8489 14.2: the port and address exclusive-or the cookie and the transaction id. */
const writeXorAddress = (out: Buffer, at: number, ip: Uint8Array, port: number): number => {
  out.writeUInt16BE(ATTRIBUTE.xorMappedAddress, at)
  out.writeUInt16BE(4 + ip.length, at + 2)
  out.writeUInt16BE(ip.length === 16 ? 2 : 1, at + 4)
  out.writeUInt16BE(port ^ (MAGIC_COOKIE >>> 16), at + 6)
  for (let i = 0; i < ip.length; i++) out[at + 8 + i] = ip[i]! ^ out[4 + i]!
  return at + 8 + ip.length
}

const writeHeader = (out: Buffer, type: number, transactionId: Uint8Array): void => {
  out.writeUInt16BE(type, 0)
  out.writeUInt16BE(out.length - HEADER_BYTES, 2)
  out.writeUInt32BE(MAGIC_COOKIE, 4)
  out.set(transactionId, 8)
}

/** Appends MESSAGE-INTEGRITY and FINGERPRINT; `at` is where they begin, 32 bytes before the end. */
const seal = (out: Buffer, at: number, key: string): Buffer => {
  out.writeUInt16BE(ATTRIBUTE.messageIntegrity, at)
  out.writeUInt16BE(INTEGRITY_BYTES, at + 2)
  out.set(stunIntegrity(out, at, key), at + 4)
  const fingerprintAt = at + 4 + INTEGRITY_BYTES
  out.writeUInt16BE(ATTRIBUTE.fingerprint, fingerprintAt)
  out.writeUInt16BE(4, fingerprintAt + 2)
  out.writeUInt32BE((crc32(out.subarray(0, fingerprintAt)) ^ FINGERPRINT_XOR) >>> 0, fingerprintAt + 4)
  return out
}

const SEAL_BYTES = 4 + INTEGRITY_BYTES + 8

/** A Binding success response: tells the peer which address its request came from. */
export const writeBindingSuccess = (
  transactionId: Uint8Array,
  ip: string,
  port: number,
  key: string,
): Buffer => {
  const address = ipBytes(ip)
  const out = Buffer.alloc(HEADER_BYTES + 8 + address.length + SEAL_BYTES)
  writeHeader(out, STUN_TYPE.bindingSuccess, transactionId)
  return seal(out, writeXorAddress(out, HEADER_BYTES, address, port), key)
}

/** A Binding error 420 that lists the required attributes we do not know (RFC 8489 6.3.1). */
export const writeUnknownAttributes = (
  transactionId: Uint8Array,
  unknown: readonly number[],
  key: string,
): Buffer => {
  const listBytes = (unknown.length * 2 + 3) & ~3
  const out = Buffer.alloc(HEADER_BYTES + 8 + 4 + listBytes + SEAL_BYTES)
  writeHeader(out, STUN_TYPE.bindingError, transactionId)
  out.writeUInt16BE(ATTRIBUTE.errorCode, HEADER_BYTES)
  out.writeUInt16BE(4, HEADER_BYTES + 2)
  out[HEADER_BYTES + 6] = 4
  out[HEADER_BYTES + 7] = 20
  out.writeUInt16BE(ATTRIBUTE.unknownAttributes, HEADER_BYTES + 8)
  out.writeUInt16BE(unknown.length * 2, HEADER_BYTES + 10)
  unknown.forEach((type, index) => {
    out.writeUInt16BE(type, HEADER_BYTES + 12 + index * 2)
  })
  return seal(out, HEADER_BYTES + 12 + listBytes, key)
}
