/**
 * What goes out: parameter sets, aggregation, packetization mode 0, packet times of raw audio, untouched
 * inputs.
 */
import { describe, expect, test } from 'vitest'
import { h264NalType, NAL } from '../../../src/media/h264/units.ts'
import { createPcmParams } from '../../../src/media/pcm/parameters.ts'
import { createDepacketiser } from '../../../src/media/rtp/depacketise.ts'
import { createPacketiser } from '../../../src/media/rtp/packetise.ts'
import type { PacketiserOptions } from '../../../src/media/rtp/types.ts'
import type { Frame, RtpPacket } from '../../../src/media/types.ts'
import { frameOf, h264Frames, h265Frames, opusFrames, rtpFixtures } from '../../helpers/media-fixtures.ts'

const packetise = (
  frames: readonly Frame[],
  options: PacketiserOptions,
): { packets: RtpPacket[]; dropped: number } => {
  const packets: RtpPacket[] = []
  const packetiser = createPacketiser(frames[0]!.params, options, packet => packets.push(packet))
  for (const frame of frames) packetiser.push(frame)
  return { packets, dropped: packetiser.framesDropped }
}
const typesOf = (packets: readonly RtpPacket[]): number[] => packets.map(packet => packet.bytes[12]! & 0x1f)

describe('h264', () => {
  test('SPS and PPS of the frame go in one STAP-A before every IDR', () => {
    const frames = h264Frames('h264-baseline')
    const { packets } = packetise(frames, { maxPayload: 1188 })
    const keyHeads = packets.filter(packet => packet.head && packet.key)
    expect(keyHeads).toHaveLength(2)
    for (const { bytes } of keyHeads) {
      expect(bytes[12]).toBe(0x60 | NAL.stapA)
      const length = (bytes[13]! << 8) | bytes[14]!
      expect(h264NalType(bytes.subarray(15))).toBe(NAL.sps)
      expect(h264NalType(bytes.subarray(15 + length + 2))).toBe(NAL.pps)
    }
  })

  test('a change of parameters in the middle goes out with the next IDR', () => {
    const frames = h264Frames('h264-baseline')
    const other = h264Frames('h264-bframes')[0]!.params
    const changed = frames.map((frame, i) => (i < 15 ? frame : { ...frame, params: other }))
    const { packets } = packetise(changed, { maxPayload: 1188 })
    const profiles = packets.filter(packet => packet.head && packet.key).map(({ bytes }) => bytes[16])
    expect(profiles).toEqual([0x42, 0x64])
  })

  test('fragments fill the packets, so that a batch has equal sizes', () => {
    const key = h264Frames('h264-bframes')[0]!
    const { packets } = packetise([key], { maxPayload: 200 })
    const fragments = packets.filter(packet => (packet.bytes[12]! & 0x1f) === NAL.fuA)
    expect(fragments.length).toBeGreaterThan(5)
    expect(
      new Set(fragments.slice(0, -1).map(packet => packet.payloadEnd - packet.payloadStart)).size,
    ).toBeLessThanOrEqual(2)
  })

  test('mode 0: one unit per packet, no STAP-A, no FU-A', () => {
    const { packets, dropped } = packetise(h264Frames('h264-baseline'), {
      maxPayload: 60_000,
      h264PacketizationMode: 0,
    })
    expect(dropped).toBe(0)
    expect(typesOf(packets).every(type => type < NAL.stapA)).toBe(true)
    expect(typesOf(packets).slice(0, 2)).toEqual([NAL.sps, NAL.pps])
  })

  test('mode 0: a unit that does not fit one packet is fragmented, and nothing is aggregated', () => {
    const { packets, dropped } = packetise(h264Frames('h264-baseline'), {
      maxPayload: 200,
      h264PacketizationMode: 0,
    })
    expect(dropped).toBe(0)
    expect(packets.every(({ payloadStart, payloadEnd }) => payloadEnd - payloadStart <= 200)).toBe(true)
    expect(typesOf(packets).slice(0, 3)).toEqual([NAL.sps, NAL.pps, NAL.fuA])
    expect(typesOf(packets)).not.toContain(NAL.stapA)
  })
})

test('h265: VPS, SPS and PPS go in one AP before every IRAP picture', () => {
  const { packets } = packetise(h265Frames(), { maxPayload: 1188 })
  const heads = packets.filter(packet => packet.head && packet.key)
  expect(heads).toHaveLength(2)
  for (const { bytes } of heads) expect([(bytes[12]! >> 1) & 63, (bytes[16]! >> 1) & 63]).toEqual([48, 32])
})

test('opus: a marker starts each talk spurt only', () => {
  const frames = opusFrames().map((frame, i) => ({ ...frame, discontinuity: i === 5 }))
  const { packets } = packetise(frames, { maxPayload: 1188 })
  expect(packets.map(packet => packet.marker)).toEqual(frames.map((_, i) => i === 0 || i === 5))
})

describe('raw audio', () => {
  const params = createPcmParams('pcmu')
  const audio = (sizes: readonly number[], start = 0): Frame[] => {
    let pts = start
    return sizes.map(size => {
      const data = Uint8Array.from({ length: size }, (_, i) => (pts + i) & 255)
      const frame = frameOf(params, [data], { pts, dts: pts, duration: size })
      pts += size
      return frame
    })
  }
  const lengths = (packets: readonly RtpPacket[]): number[] =>
    packets.map(packet => packet.payloadEnd - packet.payloadStart)

  test.each([
    ['as they come', [160, 160], [160, 160]],
    ['30 ms into 20 ms', [240, 240], [160, 160, 160]],
    ['10 ms into 20 ms', [80, 80, 80, 80], [160, 160]],
    ['1024 samples', [1024, 1024], [...Array(12).fill(160)]],
    ['dribble', [1, 2, 3, 150, 10], [160]],
  ])('%s', (_, sizes, expected) => {
    const { packets } = packetise(audio(sizes), { maxPayload: 1188 })
    expect(lengths(packets)).toEqual(expected)
    expect(packets.map(packet => packet.ts)).toEqual(packets.map((_, i) => i * 160))
    const bytes = packets.flatMap(packet => [...packet.bytes.subarray(12)])
    expect(bytes).toEqual(bytes.map((_, i) => i & 255))
    expect(packets.every(packet => packet.head && packet.key)).toBe(true)
  })

  test('a jump in time sends what is left and begins anew', () => {
    const { packets } = packetise([...audio([100]), ...audio([160], 8000)], { maxPayload: 1188 })
    expect(packets.map(packet => [packet.ts, packet.payloadEnd - 12, packet.marker])).toEqual([
      [0, 100, true],
      [8000, 160, true],
    ])
  })

  test('L16 keeps within the payload: shorter packets', () => {
    const l16 = createPcmParams('l16', 2, 48_000)
    const { packets } = packetise([frameOf(l16, [new Uint8Array(3840)])], { maxPayload: 1188 })
    expect(packets.map(packet => packet.ts)).toEqual([0, 297, 594])
    expect(Math.max(...lengths(packets))).toBe(1188)
  })

  test('half a sample is refused, counted', () => {
    const l16 = createPcmParams('l16', 1, 8000)
    expect(packetise([frameOf(l16, [new Uint8Array(3)])], { maxPayload: 1188 })).toEqual({
      packets: [],
      dropped: 1,
    })
  })
})

test('empty frames are dropped and counted', () => {
  for (const load of Object.values(rtpFixtures)) {
    const frame = load().find(candidate => !candidate.key || candidate.params.kind === 'audio')!
    const { packets, dropped } = packetise([{ ...frame, units: [] }], { maxPayload: 1188 })
    expect([packets.length, dropped]).toEqual([0, 1])
  }
})

test('a payload too small to cut to is refused', () => {
  expect(() => packetise(opusFrames(), { maxPayload: 20 })).toThrow(
    expect.objectContaining({ code: 'bad-request' }),
  )
})

test('packets keep their bytes when more are written', () => {
  for (const load of Object.values(rtpFixtures)) {
    const frames = [...load(), ...load(), ...load()]
    const copies: Uint8Array[] = []
    const packets: RtpPacket[] = []
    const packetiser = createPacketiser(frames[0]!.params, { maxPayload: 1188 }, packet => {
      packets.push(packet)
      copies.push(packet.bytes.slice())
    })
    for (const frame of frames) packetiser.push(frame)
    expect(packets.every((packet, i) => Buffer.compare(packet.bytes, copies[i]!) === 0)).toBe(true)
  }
})

test('frames and packets that are handed in are never written to', () => {
  for (const load of Object.values(rtpFixtures)) {
    const frames = load()
    const { packets } = packetise(frames, { maxPayload: 200 })
    const before = packets.map(packet => packet.bytes.slice())
    const depacketiser = createDepacketiser(frames[0]!.params, {
      onFrame: () => {},
      onParams: () => {},
      onLoss: () => {},
    })
    for (const packet of packets) depacketiser.push(Object.freeze(packet), 0)
    expect(frames.map(frame => frame.units)).toEqual(load().map(frame => frame.units))
    expect(packets.every((packet, i) => Buffer.compare(packet.bytes, before[i]!) === 0)).toBe(true)
  }
})
