/** Frames → packets → frames: byte-identical without loss, never with a hole with loss. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { withoutObuSize } from '../../../src/media/av1/obu.ts'
import { createAv1Params } from '../../../src/media/av1/parameters.ts'
import { createH264Params } from '../../../src/media/h264/parameters.ts'
import { createH265Params } from '../../../src/media/h265/parameters.ts'
import { createDepacketiser } from '../../../src/media/rtp/depacketise.ts'
import { createRtpStreamState, readRtpHeader, readRtpPacket } from '../../../src/media/rtp/packet.ts'
import { createPacketiser } from '../../../src/media/rtp/packetise.ts'
import type { DepacketiserStats } from '../../../src/media/rtp/types.ts'
import type { CodecParameters, Frame, RtpPacket } from '../../../src/media/types.ts'
import { createVp8Params } from '../../../src/media/vp8/header.ts'
import { createVp9Params } from '../../../src/media/vp9/header.ts'
import { rtpFixtures } from '../../helpers/media-fixtures.ts'

const packetsOf = (frames: readonly Frame[], maxPayload: number): RtpPacket[] => {
  const packets: RtpPacket[] = []
  const packetiser = createPacketiser(frames[0]!.params, { maxPayload }, packet => packets.push(packet))
  for (const frame of frames) packetiser.push(frame)
  return packets
}

/** As it would come from the wire: `seq` and `ts` moved to their start values, 16 and 32 bit. */
const onWire = (packet: RtpPacket, seqStart: number, tsStart: number): Uint8Array => {
  const bytes = packet.bytes.slice()
  const view = new DataView(bytes.buffer)
  view.setUint16(2, (packet.seq + seqStart) & 0xffff)
  view.setUint32(4, (packet.ts + tsStart) >>> 0)
  return bytes
}

interface Outcome {
  readonly frames: Frame[]
  readonly params: CodecParameters[]
  readonly stats: DepacketiserStats
  readonly losses: number
}
const receive = (params: CodecParameters, wire: readonly Uint8Array[]): Outcome => {
  const frames: Frame[] = []
  const changes: CodecParameters[] = []
  let losses = 0
  const depacketiser = createDepacketiser(params, {
    onFrame: frame => frames.push(frame),
    onParams: changed => changes.push(changed),
    onLoss: packets => {
      losses += packets
    },
  })
  const state = createRtpStreamState(params.codec)
  let now = 0
  for (const bytes of wire) {
    depacketiser.push(readRtpPacket(bytes, now, state)!, now)
    now += 1000
  }
  depacketiser.poll(now + 10_000_000)
  return { frames, params: changes, stats: depacketiser.stats, losses }
}

/** What must survive: content, time, key. AV1 loses the size fields that RTP leaves out. */
const essence = ({ units, pts, key, params }: Frame, ts = 0): string => {
  const plain = params.codec === 'av1' ? units.map(unit => withoutObuSize(unit)!) : units
  return JSON.stringify([pts - ts, key, ...plain.map(unit => Buffer.from(unit).toString('base64'))])
}

/** Parameters as SDP alone gives them. */
const bare = (params: CodecParameters): CodecParameters => {
  if (params.codec === 'h264') return createH264Params([], [])
  if (params.codec === 'h265') return createH265Params([], [], [])
  if (params.codec === 'av1') return createAv1Params()
  if (params.codec === 'vp8') return createVp8Params()
  return params.codec === 'vp9' ? createVp9Params() : params
}

const wrapSeq = 65_530
const wrapTs = 2 ** 32 - 9000

describe.each(Object.entries(rtpFixtures))('%s', (_, load) => {
  const frames = load()
  const params = frames[0]!.params
  const expected = frames.map(frame => essence(frame))

  test.each([100, 500, 1188, 60_000])('comes back as it was, payloads of %i bytes', maxPayload => {
    const packets = packetsOf(frames, maxPayload)
    if (params.codec !== 'opus')
      expect(Math.max(...packets.map(p => p.payloadEnd - p.payloadStart))).toBeLessThanOrEqual(maxPayload)
    const {
      frames: out,
      stats,
      params: changes,
    } = receive(
      params,
      packets.map(packet => onWire(packet, 0, 0)),
    )
    expect(out.map(frame => essence(frame))).toEqual(expected)
    expect(stats).toEqual({ lost: 0, reordered: 0, duplicate: 0, malformed: 0, framesDropped: 0 })
    expect(changes).toEqual([])
  })

  test('packets are whole, marked and numbered', () => {
    const packets = packetsOf(frames, 300)
    packets.forEach((packet, i) => {
      const header = readRtpHeader(packet.bytes)!
      expect(header).toMatchObject({
        payloadType: 0,
        ssrc: 0,
        seq: i & 0xffff,
        marker: packet.marker,
        payloadStart: 12,
      })
      expect(header.ts).toBe(packet.ts >>> 0)
      expect([packet.payloadStart, packet.payloadEnd, packet.seq]).toEqual([12, packet.bytes.length, i])
    })
    expect(packets.filter(packet => packet.head)).toHaveLength(frames.length)
    if (params.kind === 'video' || params.codec === 'aac')
      expect(packets.filter(packet => packet.marker)).toHaveLength(frames.length)
  })

  test('reading a packet finds key frames and heads as the packetiser marked them', () => {
    const state = createRtpStreamState(params.codec)
    const packets = packetsOf(frames, 300)
    const read = packets.map(packet => readRtpPacket(packet.bytes, 0, state)!)
    expect(read.map(packet => [packet.key, packet.head])).toEqual(
      packets.map(packet => [packet.key, packet.head]),
    )
  })

  test('parameters are learnt from the stream when SDP did not say them', () => {
    const wire = packetsOf(frames, 1188).map(packet => onWire(packet, 0, 0))
    const { frames: out, params: changes } = receive(bare(params), wire)
    expect(out.map(frame => essence(frame))).toEqual(expected)
    expect(out.at(-1)!.params).toEqual(params)
    expect(changes.length).toBeLessThanOrEqual(1)
    expect(new Set(out.map(frame => frame.params)).size).toBe(1)
  })

  test('reordered by up to 20 packets and doubled, across the wraps', () => {
    const packets = packetsOf(frames, 200)
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: packets.length, maxLength: packets.length }), shifts => {
        const wire = packets.map(packet => onWire(packet, wrapSeq, wrapTs))
        const order = wire
          .map((bytes, i) => ({ bytes, at: i === 0 ? -1 : i + shifts[i]! }))
          .sort((a, b) => a.at - b.at)
        const doubled = order.flatMap(({ bytes }, i) => (i % 7 === 3 ? [bytes, bytes] : [bytes]))
        const { frames: out, stats } = receive(params, doubled)
        expect(out.map(frame => essence(frame, wrapTs))).toEqual(expected)
        expect(stats).toMatchObject({
          lost: 0,
          malformed: 0,
          framesDropped: 0,
          duplicate: doubled.length - order.length,
        })
      }),
      { numRuns: 20 },
    )
  })

  test('with loss no frame has a hole, and every loss is said', () => {
    const packets = packetsOf(frames, 150)
    fc.assert(
      fc.property(fc.array(fc.nat(99), { minLength: packets.length, maxLength: packets.length }), dice => {
        const wire = packets.map(packet => onWire(packet, wrapSeq, wrapTs))
        const kept = wire.filter((_, i) => dice[i]! >= 8)
        if (kept.length === 0) return
        const { frames: out, stats, losses } = receive(bare(params), kept)
        const whole = new Set(expected)
        for (const frame of out) expect(whole.has(essence(frame, firstTs(kept, wrapTs)))).toBe(true)
        expect(stats.lost).toBeLessThanOrEqual(wire.length - kept.length)
        expect(losses).toBeGreaterThanOrEqual(stats.lost)
        expectGapsFlagged(out, expected, firstTs(kept, wrapTs))
      }),
      { numRuns: 60 },
    )
  })
})

/**
 * Unwrapping begins at the first packet that comes in: what the first timestamp was moved by, in its terms.
 */
const firstTs = (wire: readonly Uint8Array[], tsStart: number): number => {
  const first = readRtpHeader(wire[0]!)!.ts
  return first < 2 ** 31 ? tsStart - 2 ** 32 : tsStart
}

/** Where a frame is missing between two that came out, the second is flagged. */
const expectGapsFlagged = (out: readonly Frame[], expected: readonly string[], ts: number): void => {
  let last = -1
  out.forEach((frame, i) => {
    const index = expected.indexOf(essence(frame, ts), last + 1)
    expect(index).toBeGreaterThan(last)
    if (i > 0 && index !== last + 1) expect(frame.discontinuity).toBe(true)
    last = index
  })
}
