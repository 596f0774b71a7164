/** Our RTCP against itself and against the independent one of werift. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  RtcpPacketConverter,
  type RtcpTransportLayerFeedback,
  RunLengthChunk,
  type StatusVectorChunk,
  type TransportWideCC,
} from 'werift'
import { ntpMiddle, ntpToWall, wallToNtp } from '../../../src/media/rtcp/ntp.ts'
import { readRtcp } from '../../../src/media/rtcp/read.ts'
import { MAX_DELTA_UNITS } from '../../../src/media/rtcp/transport-feedback.ts'
import type { ReportBlock, RtcpPacket } from '../../../src/media/rtcp/types.ts'
import { writeRtcp } from '../../../src/media/rtcp/write.ts'

const wall = 1_790_000_000_123_456
const block: ReportBlock = {
  ssrc: 0xdeadbeef,
  fractionLost: 200,
  cumulativeLost: -3,
  highestSequence: 0x0001fffe,
  jitter: 77,
  lastSenderReport: 0xcafebabe,
  delaySinceLastSenderReport: 65536,
}
const packets: readonly RtcpPacket[] = [
  {
    type: 'sender-report',
    ssrc: 0x80000001,
    wall,
    ntpMiddle: ntpMiddle(wallToNtp(wall)),
    timestamp: 0xfffffff0,
    packets: 10,
    bytes: 12_000,
    blocks: [block],
  },
  { type: 'receiver-report', ssrc: 2, blocks: [block, { ...block, cumulativeLost: 8_000_000 }] },
  { type: 'source-description', ssrc: 3, cname: 'somebody' },
  { type: 'nack', sender: 4, media: 5, sequences: [65534, 65535, 0, 14, 15, 40] },
  { type: 'picture-loss', sender: 6, media: 7 },
  { type: 'full-intra-request', sender: 8, requests: [{ ssrc: 9, sequence: 255 }] },
  { type: 'bitrate-estimate', sender: 10, bitsPerSecond: 1_500_000, ssrcs: [11, 12] },
  { type: 'bye', ssrcs: [13, 14], reason: 'the publisher left' },
  { type: 'bye', ssrcs: [15], reason: '' },
]

describe('RTCP', () => {
  test('every packet type survives writing and reading in one compound', () => {
    const read = readRtcp(writeRtcp(packets))
    const approximately = (packet: RtcpPacket): RtcpPacket =>
      packet.type === 'bitrate-estimate'
        ? { ...packet, bitsPerSecond: Math.round(packet.bitsPerSecond / 1e4) * 1e4 }
        : packet
    expect(read.map(approximately)).toEqual(packets)
  })

  test('another implementation reads as many packets out of it, but for BYE, which it does not know', () => {
    const known = packets.filter(({ type }) => type !== 'bye')
    expect(RtcpPacketConverter.deSerialize(writeRtcp(known))).toHaveLength(known.length)
  })

  test('wall time goes through NTP within a microsecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_500_000_000_000_000, max: 2_080_000_000_000_000 }), time => {
        const { seconds, fraction } = wallToNtp(time)
        expect(Math.abs(ntpToWall(seconds, fraction) - time)).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('any bytes are read without a throw, and truncation never reads beyond the end', () => {
    const good = writeRtcp(packets)
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, value, end) => {
        const changed = Buffer.from(good)
        changed[at] = value
        readRtcp(new Uint8Array(changed.subarray(0, end)))
      }),
      { numRuns: 3000 },
    )
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => void readRtcp(bytes)))
  })

  test('a part that claims more than there is ends the reading', () => {
    const bytes = writeRtcp([packets[4]!, packets[4]!])
    bytes.writeUInt16BE(99, 14)
    expect(readRtcp(bytes)).toHaveLength(1)
  })
})

describe('transport-wide feedback', () => {
  const arrivals = fc.array(fc.option(fc.integer({ min: -200, max: 3000 }), { nil: undefined }), {
    minLength: 1,
    maxLength: 400,
  })

  test('another implementation finds the same packets and arrival times', () => {
    fc.assert(
      fc.property(arrivals, fc.nat(65535), fc.nat(100_000), (deltas, base, start) => {
        let now = start + 1000
        const times = deltas.map((delta, index) => {
          if (delta === undefined && index > 0) return undefined
          now += delta ?? 0
          return now
        })
        const bytes = writeRtcp([
          {
            type: 'transport-feedback',
            sender: 1,
            media: 2,
            baseSequence: base,
            feedbackCount: 3,
            arrivals: times,
          },
        ])
        expect(bytes.length % 4).toBe(0)
        const [packet] = RtcpPacketConverter.deSerialize(bytes)
        const feedback = (packet as RtcpTransportLayerFeedback).feedback as TransportWideCC
        expect(feedback.baseSequenceNumber).toBe(base)
        expect(feedback.packetStatusCount).toBe(times.length)
        const statuses = feedback.packetChunks
          .flatMap(chunk =>
            chunk instanceof RunLengthChunk
              ? new Array<number>(chunk.runLength).fill(chunk.packetStatus)
              : (chunk as StatusVectorChunk).symbolList,
          )
          .slice(0, times.length)
        expect(statuses.map(status => status !== 0)).toEqual(times.map(time => time !== undefined))
        let at = feedback.referenceTime * 256
        const seen = feedback.recvDeltas.map(({ delta }) => {
          at += delta / 250
          return at
        })
        expect(seen).toEqual(times.filter(time => time !== undefined))
      }),
      { numRuns: 500 },
    )
  })

  test('the largest distance fits', () => {
    const feedback = { sender: 1, media: 2, baseSequence: 0, feedbackCount: 0 }
    expect(() =>
      writeRtcp([{ type: 'transport-feedback', ...feedback, arrivals: [255, 255 + MAX_DELTA_UNITS] }]),
    ).not.toThrow()
  })
})
