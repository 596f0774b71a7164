/** What an SRTP context lets in, what it refuses, and that a refusal harms nothing. */
import { describe, expect, test } from 'vitest'
import {
  PROTECT_REUSE,
  PROTECT_SHORT,
  SRTP_FREED,
  SRTP_LIMIT,
  UNPROTECT_REPLAY,
  UNPROTECT_SHORT,
  UNPROTECT_TAG,
} from '../../../src/native/types.ts'
import {
  createContexts,
  PROFILES,
  protectRtcp,
  protectRtp,
  rtcp,
  rtp,
  unprotectRtcp,
  unprotectRtp,
} from '../../helpers/srtp-pair.ts'

const payload = Buffer.from('forty bytes of payload, give or take one')
const flip = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes)
  copy[at]! ^= 0x01
  return copy
}

describe.each(PROFILES)('%s', profile => {
  test('one bit flipped anywhere in an RTP packet is refused, and the honest packet passes afterwards', () => {
    const { sender, receiver } = createContexts(profile)
    expect(unprotectRtp(receiver, protectRtp(sender, rtp(1, payload)))).toEqual(rtp(1, payload))
    const honest = protectRtp(sender, rtp(2, payload))
    for (let at = 0; at < honest.length; at++) {
      expect(unprotectRtp(receiver, flip(honest, at)), `byte ${at}`).toBeLessThan(0)
    }
    expect(unprotectRtp(receiver, honest)).toEqual(rtp(2, payload))
  })

  test('one bit flipped anywhere in an RTCP packet is refused, index and E bit included', () => {
    const { sender, receiver } = createContexts(profile)
    const honest = protectRtcp(sender, rtcp())
    for (let at = 0; at < honest.length; at++) {
      expect(unprotectRtcp(receiver, flip(honest, at)), `byte ${at}`).toBeLessThan(0)
    }
    const withoutEncryptedBit = Buffer.from(honest)
    withoutEncryptedBit[honest.length - (profile === 'AEAD_AES_128_GCM' ? 4 : 14)]! ^= 0x80
    expect(unprotectRtcp(receiver, withoutEncryptedBit)).toBe(UNPROTECT_TAG)
    expect(unprotectRtcp(receiver, honest)).toEqual(rtcp())
  })

  test('another key is refused', () => {
    const stranger = createContexts(profile).sender
    const { receiver } = createContexts(profile)
    expect(unprotectRtp(receiver, protectRtp(stranger, rtp(1, payload)))).toBe(UNPROTECT_TAG)
    expect(unprotectRtcp(receiver, protectRtcp(stranger, rtcp()))).toBe(UNPROTECT_TAG)
  })

  test('a replay is refused: the last packet, one in the window, one behind it', () => {
    const { sender, receiver } = createContexts(profile)
    const sent = Array.from({ length: 1100 }, (_, seq) => protectRtp(sender, rtp(seq, payload)))
    for (const packet of sent) expect(unprotectRtp(receiver, packet)).toBeInstanceOf(Buffer)
    for (const seq of [1099, 1098, 100, 76, 75, 0]) {
      expect(unprotectRtp(receiver, sent[seq]!), `seq ${seq}`).toBe(UNPROTECT_REPLAY)
    }
    const report = protectRtcp(sender, rtcp())
    expect(unprotectRtcp(receiver, report)).toBeInstanceOf(Buffer)
    expect(unprotectRtcp(receiver, report)).toBe(UNPROTECT_REPLAY)
  })

  test('packets out of order within the window pass once each', () => {
    const { sender, receiver } = createContexts(profile)
    const sent = Array.from({ length: 200 }, (_, index) => protectRtp(sender, rtp(65_500 + index, payload)))
    const shuffled = sent.map((packet, index) => [(index * 73) % 200, packet] as const)
    // The first packet decides where the count starts.
    expect(unprotectRtp(receiver, sent[0]!)).toBeInstanceOf(Buffer)
    for (const [order, packet] of shuffled.sort((a, b) => a[0] - b[0])) {
      const result = unprotectRtp(receiver, packet)
      if (packet === sent[0]) expect(result).toBe(UNPROTECT_REPLAY)
      else expect(result, `order ${order}`).toBeInstanceOf(Buffer)
    }
  })

  test.each([100, 436, 5000, 30_000])('%i packets lost around the roll-over cost nothing else', lost => {
    const { sender, receiver } = createContexts(profile)
    const start = 60_000
    for (let index = start; index < 65_536 + 6000; index++) {
      const packet = protectRtp(sender, rtp(index, payload))
      const inGap = index >= 65_536 - lost / 10 && index < 65_536 + lost - lost / 10
      if (!inGap) expect(unprotectRtp(receiver, packet), `index ${index}`).toBeInstanceOf(Buffer)
    }
  })

  test('a gap of more than 2^15 packets over a roll-over is survived after a hundred failures', () => {
    const { sender, receiver } = createContexts(profile)
    const failures: number[] = []
    for (let index = 0; index < 65_536 * 2; index++) {
      const packet = protectRtp(sender, rtp(index, payload))
      if (index > 1000 && index < 65_536 + 500) continue
      if (!(unprotectRtp(receiver, packet) instanceof Buffer)) failures.push(index)
      if (index > 65_536 + 2000) break
    }
    expect(failures.length).toBeLessThanOrEqual(101)
  })

  test('a receiver that joins after the sender rolled over once is in step', () => {
    const { sender, receiver } = createContexts(profile)
    protectRtp(sender, rtp(65_535, payload))
    expect(unprotectRtp(receiver, protectRtp(sender, rtp(65_536, payload)))).toBeInstanceOf(Buffer)
    expect(unprotectRtp(receiver, protectRtp(sender, rtp(65_537, payload)))).toBeInstanceOf(Buffer)
  })

  test('a packet may be sent again as it was, never another one under its number', () => {
    const { sender } = createContexts(profile)
    const first = protectRtp(sender, rtp(1, payload))
    for (let seq = 2; seq < 500; seq++) protectRtp(sender, rtp(seq, payload))
    expect(protectRtp(sender, rtp(1, payload))).toEqual(first)
    const out = Buffer.alloc(100)
    const other = rtp(1, Buffer.from('another payload under the same number!!!'))
    expect(sender.protectRtp(other, other.length, out)).toBe(PROTECT_REUSE)
    expect(out).toEqual(Buffer.alloc(100))
    expect(protectRtp(sender, rtp(1, payload))).toEqual(first)
    for (let seq = 500; seq < 1100; seq++) protectRtp(sender, rtp(seq, payload))
    expect(sender.protectRtp(rtp(1, payload), 12 + payload.length, out)).toBe(PROTECT_REUSE)
  })

  test('a number from before the first roll-over count is refused', () => {
    const { sender } = createContexts(profile)
    protectRtp(sender, rtp(3, payload))
    expect(sender.protectRtp(rtp(65_530, payload), 30, Buffer.alloc(100))).toBe(SRTP_LIMIT)
  })

  test('what is shorter than header and tag never reaches the cipher', () => {
    const { sender, receiver } = createContexts(profile)
    const whole = protectRtp(sender, rtp(1, Buffer.alloc(0)))
    for (let length = 0; length < whole.length; length++) {
      expect(unprotectRtp(receiver, whole.subarray(0, length))).toBe(UNPROTECT_SHORT)
    }
    const report = protectRtcp(sender, rtcp().subarray(0, 8))
    for (let length = 0; length < report.length; length++) {
      expect(unprotectRtcp(receiver, report.subarray(0, length))).toBe(UNPROTECT_SHORT)
    }
    const csrcs = rtp(1, Buffer.alloc(20))
    csrcs[0] = 0x8f
    expect(unprotectRtp(receiver, csrcs)).toBe(UNPROTECT_SHORT)
    const extension = rtp(1, Buffer.from([0xbe, 0xde, 0xff, 0xff, 0, 0, 0, 0]))
    extension[0] = 0x90
    expect(unprotectRtp(receiver, extension)).toBe(UNPROTECT_SHORT)
    expect(sender.protectRtp(csrcs, csrcs.length, Buffer.alloc(100))).toBe(PROTECT_SHORT)
  })

  test('forged SSRCs make no streams, authentic ones only up to the limit', () => {
    const { sender, receiver } = createContexts(profile)
    const stranger = createContexts(profile).sender
    const out = Buffer.alloc(100)
    for (let ssrc = 0; ssrc < 1000; ssrc++) {
      expect(unprotectRtp(receiver, protectRtp(stranger, rtp(1, payload, 0xf000_0000 + ssrc)))).toBe(
        UNPROTECT_TAG,
      )
    }
    for (let ssrc = 0; ssrc < 1024; ssrc++) {
      expect(unprotectRtp(receiver, protectRtp(sender, rtp(1, payload, ssrc)))).toBeInstanceOf(Buffer)
    }
    expect(sender.protectRtp(rtp(1, payload, 5000), 52, out)).toBe(SRTP_LIMIT)
  })

  test('random bytes are refused without harm', () => {
    const { sender, receiver } = createContexts(profile)
    for (let seed = 0; seed < 2000; seed++) {
      const noise = Buffer.from(
        Array.from({ length: seed % 97 }, (_, at) => (seed * 31 + at * at * 7) & 0xff),
      )
      expect(unprotectRtp(receiver, noise)).toBeLessThan(0)
      expect(unprotectRtcp(receiver, noise)).toBeLessThan(0)
    }
    expect(unprotectRtp(receiver, protectRtp(sender, rtp(1, payload)))).toEqual(rtp(1, payload))
  })

  test('a freed context drops what comes late', () => {
    const { sender, receiver } = createContexts(profile)
    const packet = protectRtp(sender, rtp(1, payload))
    receiver.free()
    receiver.free()
    expect(unprotectRtp(receiver, packet)).toBe(SRTP_FREED)
    sender.free()
    expect(sender.protectRtp(packet, 20, Buffer.alloc(40))).toBe(SRTP_FREED)
  })

  test('a slice outside the slab or an output without room is an error of ours, and thrown', () => {
    const { sender } = createContexts(profile)
    expect(() => sender.unprotectRtp(Buffer.alloc(10), 5, 6)).toThrow('outside the slab')
    expect(() => sender.unprotectRtp(Buffer.alloc(10), -1, 6)).toThrow('outside the slab')
    expect(() => sender.protectRtp(Buffer.alloc(50), 50, Buffer.alloc(69))).toThrow('room')
    expect(() => sender.protectRtp(Buffer.alloc(50), 51, Buffer.alloc(90))).toThrow('room')
  })
})
