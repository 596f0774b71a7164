import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readRtpHeader } from '../../../src/media/rtp/packet.ts'
import type { RtpPacket } from '../../../src/media/types.ts'
import { RtpReceiver } from '../../../src/rtp-session/receiver.ts'
import { repairPacket } from '../../../src/rtp-session/repair.ts'
import { rtpBytes } from '../../helpers/webrtc-peer.ts'

const PT = 96
const make = (): {
  receiver: RtpReceiver
  out: RtpPacket[]
  push: (bytes: Uint8Array, at?: number) => void
} => {
  const out: RtpPacket[] = []
  const receiver = new RtpReceiver({
    ssrc: 1,
    codec: 'vp8',
    clockRate: 90_000,
    payloadType: PT,
    onPacket: packet => void out.push(packet),
  })
  return { receiver, out, push: (bytes, at = 0) => receiver.receive(bytes, readRtpHeader(bytes)!, at) }
}
const packet = (seq: number, ts = seq * 3000, ssrc = 1): Buffer =>
  rtpBytes({ ssrc, seq, ts, pt: PT, payload: Buffer.from([0x10, 0, seq & 255]) })

describe('receiver', () => {
  test('sequence numbers and timestamps rise over their wraps', () => {
    const { out, push } = make()
    for (let i = 0; i < 200; i++) push(packet(65_436 + i, 0xffff_0000 + i * 3000))
    expect(out).toHaveLength(200)
    out.forEach((item, i) => {
      expect(item.seq).toBe(65_436 + i)
      expect(item.ts).toBe(0xffff_0000 + i * 3000)
    })
  })

  test('a packet late from before the wrap is new, though its number is negative', () => {
    const { receiver, out, push } = make()
    for (const seq of [1, 65_535, 0]) push(packet(seq))
    expect(out.map(({ seq }) => seq)).toEqual([1, -1, 0])
    expect(receiver.stats).toMatchObject({ lost: 0, duplicates: 0 })
  })

  test('whatever is lost, doubled and reordered: each packet once, none invented, numbers right', () => {
    const plan = fc.tuple(
      fc.nat(65_535),
      fc.array(fc.record({ lost: fc.integer({ min: 0, max: 9 }), twice: fc.boolean(), late: fc.nat(5) }), {
        minLength: 5,
        maxLength: 300,
      }),
    )
    fc.assert(
      fc.property(plan, ([first, fates]) => {
        const { receiver, out, push } = make()
        const sent = fates
          .map((fate, i) => ({ ...fate, i, place: i + fate.late }))
          .filter(({ lost, i }) => lost > 0 || i === 0)
          .toSorted((a, b) => a.place - b.place || a.i - b.i)
        for (const { i, twice } of sent) {
          push(packet(first + i))
          if (twice) push(packet(first + i))
        }
        const base = Math.min(...out.map(({ seq }) => seq))
        const start = Math.min(...sent.map(({ i }) => i))
        expect(out.map(({ seq }) => seq - base)).toEqual(sent.map(({ i }) => i - start))
        expect(receiver.stats.duplicates).toBe(sent.filter(({ twice }) => twice).length)
      }),
      { numRuns: 2000 },
    )
  })

  test('loss, fraction and jitter are those of RFC 3550', () => {
    const { receiver, push } = make()
    for (let i = 0; i < 100; i++) if (i % 4 !== 1) push(packet(1000 + i), i * 33_333)
    const block = receiver.report(0)!
    expect(block).toMatchObject({ ssrc: 1, cumulativeLost: 25, fractionLost: 64, highestSequence: 1099 })
    expect(block.jitter).toBeLessThan(5)
    expect(receiver.report(0)!.fractionLost).toBe(0)
    for (let i = 100; i < 140; i++) push(packet(1000 + i), i * 33_333 + (i % 2) * 10_000)
    expect(receiver.report(0)!.jitter).toBeGreaterThan(500)
  })

  test('a key that is held down, in between the sound, is no jitter', () => {
    const { receiver, push } = make()
    for (let i = 0; i < 200; i++) {
      push(packet(1000 + 2 * i, 900_000 + i * 3000), i * 33_333)
      push(packet(1001 + 2 * i, 900_000), i * 33_333 + 1000)
    }
    expect(receiver.report(0)!.jitter).toBeLessThan(5)
  })

  test('the jitter of a sender whose clock was set back far is that of its new time', () => {
    const { receiver, push } = make()
    for (let i = 0; i < 20; i++) push(packet(1000 + i, 90_000_000 + i * 3000), i * 33_333)
    for (let i = 20; i < 80; i++) push(packet(1000 + i, i * 3000), i * 33_333 + (i % 2) * 10_000)
    expect(receiver.report(0)!.jitter).toBeGreaterThan(500)
  })

  test('a sender report is echoed with its delay and placed on the time line', () => {
    const { receiver, push } = make()
    push(packet(1, 0xffff_fff0))
    const report = {
      type: 'sender-report',
      ssrc: 1,
      wall: 0,
      ntpMiddle: 0xabcd,
      timestamp: 16,
      packets: 0,
      bytes: 0,
      blocks: [],
    } as const
    expect(receiver.senderReport(report, 1_000_000)).toBe(0x1_0000_0010)
    expect(receiver.report(1_500_000)).toMatchObject({
      lastSenderReport: 0xabcd,
      delaySinceLastSenderReport: 32_768,
    })
  })

  test('a repair packet becomes the original; a repair of what came goes nowhere and is no loss', () => {
    const { receiver, out, push } = make()
    const originals = Array.from({ length: 6 }, (_, i) => packet(65_533 + i))
    originals.forEach((bytes, i) => {
      if (i !== 3) push(Buffer.from(bytes))
    })
    const lost = { ...out[0]!, bytes: originals[3]!, ts: (65_533 + 3) * 3000, marker: false }
    const repair = (seq: number): Uint8Array => {
      const bytes = repairPacket(lost, seq & 0xffff, 7)
      bytes[1]! |= 97
      return bytes
    }
    for (const bytes of [repair(65_536), repair(65_536)])
      receiver.receiveRepair(bytes, readRtpHeader(bytes)!, 0)
    expect(out.at(-1)!.seq).toBe(65_536)
    expect(Buffer.from(out.at(-1)!.bytes)).toEqual(originals[3])
    expect(receiver.stats).toMatchObject({ repaired: 1, duplicates: 1, lost: 0, packets: 6 })
    const padding = repairPacket({ ...lost, payloadEnd: lost.payloadStart }, 0, 8).subarray(0, 13)
    receiver.receiveRepair(padding, readRtpHeader(padding)!, 0)
    expect(out).toHaveLength(6)
  })

  test('padding is cut off before anybody sees it', () => {
    const { out, push } = make()
    const bytes = Buffer.concat([packet(1), Buffer.from([0, 0, 3])])
    bytes[0]! |= 0x20
    push(bytes)
    expect(Buffer.from(out[0]!.bytes)).toEqual(packet(1))
  })

  test('another SSRC goes on where the first ended, in the bytes too', () => {
    const { receiver, out, push } = make()
    push(packet(10, 90_000), 1_000_000)
    receiver.restart(2)
    push(packet(40_000, 5, 2), 1_500_000)
    push(packet(40_001, 3005, 2), 1_533_333)
    expect(out.map(({ seq }) => seq)).toEqual([10, 12, 13])
    expect(out.map(({ ts }) => ts)).toEqual([90_000, 135_000, 138_000])
    for (const { bytes, seq, ts } of out) {
      const header = readRtpHeader(bytes)!
      expect([header.seq, header.ts]).toEqual([seq, ts])
    }
    expect(receiver.stats).toMatchObject({ packets: 3, lost: 0 })
  })

  test('packets and losses before another SSRC stay counted', () => {
    const { receiver, push } = make()
    for (const seq of [10, 11, 14]) push(packet(seq))
    receiver.restart(2)
    for (const seq of [500, 502]) push(packet(seq, 5, 2))
    expect(receiver.stats).toMatchObject({ packets: 5, lost: 3 })
    expect(receiver.report(0)).toMatchObject({ cumulativeLost: 1 })
  })

  test('one stray number is ignored, two in a row are a new beginning', () => {
    const { receiver, out, push } = make()
    push(packet(100))
    push(packet(30_000))
    push(packet(101))
    expect(out.map(({ seq }) => seq)).toEqual([100, 101])
    push(packet(50_000))
    push(packet(50_001))
    push(packet(50_002))
    expect(out.map(({ seq }) => seq)).toEqual([100, 101, 103, 104])
    expect(receiver.stats.lost).toBe(0)
  })
})
