/** Keys and contexts of two ends that have shaken hands. */
import { randomBytes } from 'node:crypto'
import { loadNative } from '../../src/native/index.ts'
import type { SrtpContext, SrtpKeys, SrtpProfile } from '../../src/native/types.ts'

/** Those that a DTLS handshake agrees on. */
export const DTLS_PROFILES = ['AEAD_AES_128_GCM', 'AES_CM_128_HMAC_SHA1_80'] as const
export const PROFILES: readonly SrtpProfile[] = [...DTLS_PROFILES, 'AES_CM_128_HMAC_SHA1_32']

export const randomKeys = (profile: SrtpProfile): SrtpKeys => {
  const salt = profile === 'AEAD_AES_128_GCM' ? 12 : 14
  return {
    profile,
    localKey: randomBytes(16),
    localSalt: randomBytes(salt),
    remoteKey: randomBytes(16),
    remoteSalt: randomBytes(salt),
  }
}

export const otherEnd = (keys: SrtpKeys): SrtpKeys => ({
  profile: keys.profile,
  localKey: keys.remoteKey,
  localSalt: keys.remoteSalt,
  remoteKey: keys.localKey,
  remoteSalt: keys.localSalt,
})

export const createContexts = (profile: SrtpProfile) => {
  const keys = randomKeys(profile)
  const native = loadNative()
  return { keys, sender: native.createSrtp(keys), receiver: native.createSrtp(otherEnd(keys)) }
}

export const rtp = (seq: number, payload: Uint8Array, ssrc = 0xcafebabe, timestamp = 0xdecafbad): Buffer => {
  const header = Buffer.alloc(12)
  header[0] = 0x80
  header[1] = 96
  header.writeUInt16BE(seq & 0xffff, 2)
  header.writeUInt32BE(timestamp, 4)
  header.writeUInt32BE(ssrc, 8)
  return Buffer.concat([header, payload])
}

/** A receiver report of 32 bytes. */
export const rtcp = (ssrc = 0xcafebabe): Buffer => {
  const packet = Buffer.alloc(32, 0x11)
  packet.set([0x81, 201, 0, 7])
  packet.writeUInt32BE(ssrc, 4)
  return packet
}

/** The protected packet; throws when it is refused. */
export const protectRtp = (context: SrtpContext, packet: Uint8Array): Buffer => {
  const out = Buffer.alloc(packet.length + 20)
  const length = context.protectRtp(packet, packet.length, out)
  if (length < 0) throw new Error(`protectRtp: ${length}`)
  return out.subarray(0, length)
}

export const protectRtcp = (context: SrtpContext, packet: Uint8Array): Buffer => {
  const out = Buffer.alloc(packet.length + 20)
  return out.subarray(0, context.protectRtcp(packet, packet.length, out))
}

/** On a copy: the plain packet, or the negative code. */
export const unprotectRtp = (context: SrtpContext, bytes: Uint8Array): Buffer | number => {
  const slab = Buffer.from(bytes)
  const length = context.unprotectRtp(slab, 0, slab.length)
  return length < 0 ? length : slab.subarray(0, length)
}

export const unprotectRtcp = (context: SrtpContext, bytes: Uint8Array): Buffer | number => {
  const slab = Buffer.from(bytes)
  const length = context.unprotectRtcp(slab, 0, slab.length)
  return length < 0 ? length : slab.subarray(0, length)
}
