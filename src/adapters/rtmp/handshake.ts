/**
 * The handshake (5.2) and its undocumented "complex" form, in which both sides sign their 1536 random bytes with
 * HMAC-SHA256 under well-known keys. Flash players insist on it; everybody else takes either.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

export const HANDSHAKE_BYTES = 1536
export const RTMP_VERSION = 3
const DIGEST_BYTES = 32

const SECRET = Buffer.from('f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae', 'hex')
const SERVER_NAME = Buffer.from('Genuine Adobe Flash Media Server 001')
const CLIENT_NAME = Buffer.from('Genuine Adobe Flash Player 001')
const SERVER_KEY = Buffer.concat([SERVER_NAME, SECRET])
const CLIENT_KEY = Buffer.concat([CLIENT_NAME, SECRET])

/** A version above 3.0.0.0 in bytes 4-7 says "signed". These are of a Flash Media Server and a Flash Player. */
const SERVER_VERSION = 0x05_00_03_04
const CLIENT_VERSION = 0x0a_00_20_02

/** The digest lies behind the pointer bytes at 8 (scheme 1) or at 772 (scheme 0, behind the key block). */
const POINTERS = [772, 8] as const
const digestOffset = (block: Uint8Array, pointer: number): number =>
  ((block[pointer]! + block[pointer + 1]! + block[pointer + 2]! + block[pointer + 3]!) % 728) + pointer + 4

const hmac = (key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer => {
  const mac = createHmac('sha256', key)
  for (const part of parts) mac.update(part)
  return mac.digest()
}

const digestAt = (block: Uint8Array, offset: number, name: Uint8Array): Buffer =>
  hmac(name, block.subarray(0, offset), block.subarray(offset + DIGEST_BYTES))

interface Signature {
  readonly pointer: number
  readonly digest: Uint8Array
}

const findSignature = (block: Uint8Array, name: Uint8Array): Signature | undefined => {
  if ((block[4]! | block[5]! | block[6]! | block[7]!) === 0) return undefined
  for (const pointer of POINTERS) {
    const offset = digestOffset(block, pointer)
    const digest = block.subarray(offset, offset + DIGEST_BYTES)
    if (timingSafeEqual(digest, digestAt(block, offset, name))) return { pointer, digest }
  }
  return undefined
}

const signedBlock = (pointer: number, version: number, name: Uint8Array): Buffer => {
  const block = randomBytes(HANDSHAKE_BYTES)
  block.writeUInt32BE(0, 0)
  block.writeUInt32BE(version, 4)
  const offset = digestOffset(block, pointer)
  block.set(digestAt(block, offset, name), offset)
  return block
}

/** The answer to a signed block: random bytes signed with a key made of the peer's digest. */
const signedAnswer = (digest: Uint8Array, key: Uint8Array): Buffer => {
  const block = randomBytes(HANDSHAKE_BYTES)
  const body = block.subarray(0, HANDSHAKE_BYTES - DIGEST_BYTES)
  block.set(hmac(hmac(key, digest), body), body.length)
  return block
}

const plainBlock = (): Buffer => {
  const block = randomBytes(HANDSHAKE_BYTES)
  block.fill(0, 0, 8)
  return block
}

/** S0, S1 and S2 in one: signed when C1 is, in the scheme that C1 chose. */
export const answerClient = (c1: Uint8Array): Buffer => {
  const signature = findSignature(c1, CLIENT_NAME)
  const version = Buffer.of(RTMP_VERSION)
  if (signature === undefined) return Buffer.concat([version, plainBlock(), c1])
  const s1 = signedBlock(signature.pointer, SERVER_VERSION, SERVER_NAME)
  return Buffer.concat([version, s1, signedAnswer(signature.digest, SERVER_KEY)])
}

/** C0 and C1. */
export const greetServer = (form: 'simple' | 'complex'): Buffer => {
  const c1 = form === 'simple' ? plainBlock() : signedBlock(8, CLIENT_VERSION, CLIENT_NAME)
  return Buffer.concat([Buffer.of(RTMP_VERSION), c1])
}

/** C2: signed when S1 is, else its echo. */
export const answerServer = (s1: Uint8Array): Buffer => {
  const signature = findSignature(s1, SERVER_NAME)
  return signature === undefined ? Buffer.from(s1) : signedAnswer(signature.digest, CLIENT_KEY)
}

/** What a peer speaks whose first byte is not RTMP's version 3. */
export const describeVersion = (byte: number): string => {
  if (byte === 0x16) return 'the peer speaks TLS, not RTMP'
  if (byte === 0x47 || byte === 0x50 || byte === 0x48) return 'the peer speaks HTTP, not RTMP'
  if (byte === 6 || byte === 8) return 'the peer wants RTMPE, which is not supported'
  return `RTMP version ${byte} is not known`
}
