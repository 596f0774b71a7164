import { describe, expect, test } from 'vitest'
import type { TrackClock } from '../../../src/core/types.ts'
import { ntpMiddle, wallToNtp } from '../../../src/media/rtcp/ntp.ts'
import type { RtpPacket } from '../../../src/media/types.ts'
import { RtpSender } from '../../../src/rtp-session/sender.ts'

const WALL = 1_790_000_000_000_000
const clockAt = (wall: number, streamTime = 0, rate = 90_000): TrackClock => ({
  rate,
  anchor: () => {},
  toWall: ts => wall + (ts * 1e6) / rate,
  toStreamTime: ts => streamTime + (ts * 1e6) / rate,
  fromStreamTime: us => ((us - streamTime) * rate) / 1e6,
})
const packet = (seq: number, ts: number, arrival = 0): RtpPacket => ({
  bytes: new Uint8Array(22),
  payloadStart: 12,
  payloadEnd: 22,
  seq,
  ts,
  marker: false,
  key: false,
  head: false,
  arrival,
})
const make = (firstSequence = 1000, clock = clockAt(WALL)): RtpSender =>
  new RtpSender({ ssrc: 7, clockRate: 90_000, clock, firstSequence, firstTimestamp: 500 })
const send = (sender: RtpSender, item: RtpPacket): { seq: number; ts: number } | undefined => {
  if (sender.isChanged) sender.rebase(item)
  if (!sender.accept(item)) return undefined
  return { seq: (item.seq + sender.sequenceOffset) & 0xffff, ts: (item.ts + sender.timestampOffset) >>> 0 }
}

describe('sender', () => {
  test('begins at its own numbers and keeps the distances of the source', () => {
    const sender = make()
    expect(send(sender, packet(70_000, 9000))).toEqual({ seq: 1000, ts: 500 })
    expect(send(sender, packet(70_002, 12_000))).toEqual({ seq: 1002, ts: 3500 })
    expect(send(sender, packet(70_001, 9000))).toEqual({ seq: 1001, ts: 500 })
  })

  test('a packet older than the first has no number: none is ever used twice', () => {
    const sender = make()
    send(sender, packet(100, 0))
    expect(send(sender, packet(99, 0))).toBeUndefined()
    sender.retarget(clockAt(WALL))
    expect(send(sender, packet(5000, 100))).toMatchObject({ seq: 1001 })
    expect(send(sender, packet(4999, 100))).toBeUndefined()
  })

  test('another source goes on behind the last packet, as far as stream time did', () => {
    const sender = make(65_535)
    send(sender, packet(1, 90_000))
    sender.retarget(clockAt(WALL, 1_500_000))
    expect(send(sender, packet(9, 45_000))).toEqual({ seq: 0, ts: 500 + 90_000 })
  })

  test('a NACK leads back to the source, over the wrap, and only within the present source', () => {
    const sender = make(65_530)
    for (let i = 0; i < 20; i++) send(sender, packet(200 + i, i))
    expect(sender.sourceOf(65_531, 1_000_000)).toBe(201)
    expect(sender.sourceOf(3, 1_000_000)).toBe(209)
    expect(sender.sourceOf(65_529, 1_000_000)).toBeUndefined()
    expect(sender.sourceOf(14, 1_000_000)).toBeUndefined()
    sender.retarget(clockAt(WALL))
    send(sender, packet(900, 0))
    expect(sender.sourceOf(3, 2_000_000)).toBeUndefined()
    expect(sender.sourceOf(14, 2_000_000)).toBe(900)
  })

  test('the same packet is not sent again within a moment', () => {
    const sender = make()
    send(sender, packet(1, 0))
    expect(sender.sourceOf(1000, 1_000_000)).toBe(1)
    expect(sender.sourceOf(1000, 1_005_000)).toBeUndefined()
    expect(sender.sourceOf(1000, 1_050_000)).toBe(1)
  })

  test('reports lie on the time line of capture, whenever they are made', () => {
    const sender = make()
    expect(sender.report(0)).toBeUndefined()
    send(sender, packet(1, 90_000, 1_000_000))
    for (const now of [1_000_000, 1_300_000]) {
      const report = sender.report(now)!
      expect(report.timestamp).toBe(500 + ((now - 1_000_000) * 90) / 1000)
      expect(report.wall).toBe(WALL + now)
    }
    expect(sender.report(1_300_000)).toMatchObject({ packets: 1, bytes: 10 })
  })

  test('reports of two tracks captured together say so, whatever their clock rates and first numbers', () => {
    const audio = new RtpSender({
      ssrc: 8,
      clockRate: 48_000,
      clock: clockAt(WALL, 0, 48_000),
      firstSequence: 1,
      firstTimestamp: 77,
    })
    const video = make()
    const sentVideo = send(video, packet(1, 180_000, 5_000_000))!
    audio.rebase(packet(1, 96_000))
    audio.accept(packet(1, 96_000, 5_040_000))
    const wallOf = (sender: RtpSender, ts: number, rate: number): number => {
      const report = sender.report(6_000_000)!
      return report.wall - ((report.timestamp - ts) * 1e6) / rate
    }
    expect(Math.abs(wallOf(video, sentVideo.ts, 90_000) - wallOf(audio, 77, 48_000))).toBeLessThan(50)
  })

  test('the round trip comes from the echo of a report', () => {
    const sender = make()
    send(sender, packet(1, 0, 0))
    const report = sender.report(1_000_000)!
    expect(report.ntpMiddle).toBe(ntpMiddle(wallToNtp(report.wall)))
    const block = {
      ssrc: 7,
      fractionLost: 64,
      cumulativeLost: 3,
      highestSequence: 0,
      jitter: 90,
      lastSenderReport: report.ntpMiddle,
      delaySinceLastSenderReport: 65_536 / 2,
    }
    sender.reported(block, 1_530_000)
    expect(sender.stats).toMatchObject({ roundTripMs: 30, fractionLost: 0.25, lost: 3, jitterMs: 1 })
    sender.reported({ ...block, lastSenderReport: 12_345 }, 9_000_000)
    expect(sender.stats.roundTripMs).toBe(30)
  })
})
