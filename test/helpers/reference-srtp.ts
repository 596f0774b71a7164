/** SRTP written a second time, with node:crypto and straight from the RFCs, to hold the addon against. */
import { createCipheriv, createHmac } from 'node:crypto'
import type { SrtpProfile } from '../../src/native/types.ts'

export interface SessionKeys {
  readonly key: Buffer
  readonly auth: Buffer
  readonly salt: Buffer
}

/** RFC 3711 4.3.1, key derivation rate 0; also for the 12-byte salts of RFC 7714 (zeros behind). */
export const deriveKey = (masterKey: Buffer, masterSalt: Buffer, label: number, bytes: number): Buffer => {
  const iv = Buffer.concat([masterSalt, Buffer.alloc(16 - masterSalt.length)])
  iv[7]! ^= label
  return createCipheriv('aes-128-ctr', masterKey, iv).update(Buffer.alloc(bytes))
}

export const sessionKeys = (masterKey: Buffer, masterSalt: Buffer, kind: 'rtp' | 'rtcp'): SessionKeys => {
  const label = kind === 'rtp' ? 0 : 3
  return {
    key: deriveKey(masterKey, masterSalt, label, 16),
    auth: deriveKey(masterKey, masterSalt, label + 1, 20),
    salt: deriveKey(masterKey, masterSalt, label + 2, masterSalt.length),
  }
}

const xor = (iv: Buffer, salt: Buffer): Buffer =>
  Buffer.from(iv.map((byte, index) => byte ^ (salt[index] ?? 0)))

/** The SSRC and the 48-bit index, behind `before` zero bytes and filled up to `size`. */
const makeIv = (salt: Buffer, ssrc: Buffer, index: number, before: number, size: number): Buffer => {
  const iv = Buffer.alloc(size)
  ssrc.copy(iv, before)
  iv.writeUIntBE(index, before + 4, 6)
  return xor(iv, salt)
}

export const sealGcm = (
  keys: SessionKeys,
  ssrc: Buffer,
  index: number,
  aad: Buffer,
  plain: Buffer,
): Buffer => {
  const cipher = createCipheriv('aes-128-gcm', keys.key, makeIv(keys.salt, ssrc, index, 2, 12))
  cipher.setAAD(aad)
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

export const cryptCm = (keys: SessionKeys, ssrc: Buffer, index: number, data: Buffer): Buffer =>
  createCipheriv('aes-128-ctr', keys.key, makeIv(keys.salt, ssrc, index, 4, 16)).update(data)

const LONG_TAG_BYTES = 10
const SHORT_TAG_BYTES = 4

const tag = (keys: SessionKeys, bytes: number, ...parts: readonly Buffer[]): Buffer =>
  createHmac('sha1', keys.auth).update(Buffer.concat(parts)).digest().subarray(0, bytes)

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

export const protectRtp = (
  profile: SrtpProfile,
  keys: SessionKeys,
  packet: Buffer,
  headerBytes: number,
  index: number,
): Buffer => {
  const [header, payload, ssrc] = [
    packet.subarray(0, headerBytes),
    packet.subarray(headerBytes),
    packet.subarray(8, 12),
  ]
  if (profile === 'AEAD_AES_128_GCM')
    return Buffer.concat([header, sealGcm(keys, ssrc, index, header, payload)])
  const encrypted = Buffer.concat([header, cryptCm(keys, ssrc, index, payload)])
  const bytes = profile === 'AES_CM_128_HMAC_SHA1_32' ? SHORT_TAG_BYTES : LONG_TAG_BYTES
  return Buffer.concat([encrypted, tag(keys, bytes, encrypted, word(Math.floor(index / 65_536)))])
}

export const protectRtcp = (
  profile: SrtpProfile,
  keys: SessionKeys,
  packet: Buffer,
  index: number,
): Buffer => {
  const [header, rest, ssrc] = [packet.subarray(0, 8), packet.subarray(8), packet.subarray(4, 8)]
  const trailer = word(index + 0x8000_0000)
  if (profile === 'AEAD_AES_128_GCM') {
    return Buffer.concat([
      header,
      sealGcm(keys, ssrc, index, Buffer.concat([header, trailer]), rest),
      trailer,
    ])
  }
  const encrypted = Buffer.concat([header, cryptCm(keys, ssrc, index, rest), trailer])
  return Buffer.concat([encrypted, tag(keys, LONG_TAG_BYTES, encrypted)])
}
