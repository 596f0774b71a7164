/** The addon against the RFCs' vectors, against a second implementation and against werift. */
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { RtpHeader, SrtcpSession, SrtpSession } from 'werift'
import { loadNative } from '../../../src/native/index.ts'
import * as reference from '../../helpers/reference-srtp.ts'
import {
  createContexts,
  DTLS_PROFILES,
  otherEnd,
  PROFILES,
  protectRtcp,
  protectRtp,
  randomKeys,
  rtcp,
  rtp,
  unprotectRtcp,
  unprotectRtp,
} from '../../helpers/srtp-pair.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')
const native = loadNative()

describe('the second implementation reproduces the RFCs', () => {
  test('key derivation, RFC 3711 B.3', () => {
    const keys = reference.sessionKeys(
      hex('E1F97A0D3E018BE0D64FA32C06DE4139'),
      hex('0EC675AD498AFEEBB6960B3AABE6'),
      'rtp',
    )
    expect(keys.key).toEqual(hex('C61E7A93744F39EE10734AFE3FF7A087'))
    expect(keys.salt).toEqual(hex('30CBBC08863D8C85D49DB34A9AE1'))
    expect(keys.auth).toEqual(hex('CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4'))
  })

  const quid = {
    key: hex('000102030405060708090a0b0c0d0e0f'),
    salt: hex('51756964 2070726f 2071756f'),
    auth: Buffer.alloc(0),
  }

  test('SRTP AEAD_AES_128_GCM, RFC 7714 16.1.1', () => {
    const packet = hex(`8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976
      69736120 696e2070 61727465 73207472 6573`)
    expect(reference.protectRtp('AEAD_AES_128_GCM', quid, packet, 12, 0xf17b)).toEqual(
      hex(`8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a
        51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce`),
    )
  })

  test('SRTCP AEAD_AES_128_GCM, RFC 7714 17.1', () => {
    const packet = hex(`81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
      deadbeef deadbeef deadbeef deadbeef deadbeef`)
    expect(reference.protectRtcp('AEAD_AES_128_GCM', quid, packet, 0x5d4)).toEqual(
      hex(`81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda
        4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4`),
    )
  })
})

describe.each(PROFILES)('%s: the addon and the second implementation agree', profile => {
  const keysOf = (keys: ReturnType<typeof randomKeys>, kind: 'rtp' | 'rtcp') =>
    reference.sessionKeys(Buffer.from(keys.localKey), Buffer.from(keys.localSalt), kind)

  test.each([0, 1, 15, 16, 17, 1200])('RTP with %i bytes of payload', size => {
    const { keys, sender, receiver } = createContexts(profile)
    const packet = rtp(0x1234, randomBytes(size))
    const wanted = reference.protectRtp(profile, keysOf(keys, 'rtp'), packet, 12, 0x1234)
    expect(protectRtp(sender, packet)).toEqual(wanted)
    expect(unprotectRtp(receiver, wanted)).toEqual(packet)
  })

  test('RTP with CSRCs and a header extension, which stay readable', () => {
    const { keys, sender, receiver } = createContexts(profile)
    const header = rtp(7, hex('00000001 00000002 bede0002 10aabbcc 00000000'))
    header[0] = 0x92
    const packet = Buffer.concat([header, Buffer.from('payload')])
    const wanted = reference.protectRtp(profile, keysOf(keys, 'rtp'), packet, header.length, 7)
    expect(protectRtp(sender, packet)).toEqual(wanted)
    expect(unprotectRtp(receiver, wanted)).toEqual(packet)
  })

  test('the roll-over count is part of nonce and tag', () => {
    const { keys, sender, receiver } = createContexts(profile)
    for (const index of [0x7000, 0xe000, 0x1_4000, 0x1_b000, 0x2_0001]) {
      const packet = rtp(index, randomBytes(50))
      const wanted = reference.protectRtp(profile, keysOf(keys, 'rtp'), packet, 12, index)
      expect(protectRtp(sender, packet)).toEqual(wanted)
      expect(unprotectRtp(receiver, wanted)).toEqual(packet)
    }
  })

  test('RTCP, one index after the other', () => {
    const { keys, sender, receiver } = createContexts(profile)
    for (let index = 0; index < 3; index++) {
      const wanted = reference.protectRtcp(profile, keysOf(keys, 'rtcp'), rtcp(), index)
      expect(protectRtcp(sender, rtcp())).toEqual(wanted)
      expect(unprotectRtcp(receiver, wanted)).toEqual(rtcp())
    }
  })
})

describe.each(DTLS_PROFILES)('%s: werift', profile => {
  const numbers = { AEAD_AES_128_GCM: 7, AES_CM_128_HMAC_SHA1_80: 1 } as const
  const weriftConfig = (keys: ReturnType<typeof randomKeys>) => ({
    profile: numbers[profile],
    keys: {
      localMasterKey: Buffer.from(keys.localKey),
      localMasterSalt: Buffer.from(keys.localSalt),
      remoteMasterKey: Buffer.from(keys.remoteKey),
      remoteMasterSalt: Buffer.from(keys.remoteSalt),
    },
  })

  test('reads our RTP and RTCP', () => {
    const { keys, sender } = createContexts(profile)
    const config = weriftConfig(otherEnd(keys))
    const packet = rtp(1000, Buffer.from('to werift'))
    expect(new SrtpSession(config).decrypt(protectRtp(sender, packet))).toEqual(packet)
    expect(new SrtcpSession(config).decrypt(protectRtcp(sender, rtcp()))).toEqual(rtcp())
  })

  test('is read by us', () => {
    const keys = randomKeys(profile)
    const ours = native.createSrtp(otherEnd(keys))
    const packet = rtp(1000, Buffer.from('from werift'))
    const encrypted = new SrtpSession(weriftConfig(keys)).encrypt(
      packet.subarray(12),
      RtpHeader.deSerialize(packet),
    )
    expect(unprotectRtp(ours, encrypted)).toEqual(packet)
    expect(unprotectRtcp(ours, new SrtcpSession(weriftConfig(keys)).encrypt(rtcp()))).toEqual(rtcp())
  })
})
