/** What a depacketiser does about order, gaps, parameter sets and decode times, packet by packet. */
import { describe, expect, test } from 'vitest'
import { createAacParams } from '../../../src/media/aac/config.ts'
import { createH264Params } from '../../../src/media/h264/parameters.ts'
import { createMp3Params } from '../../../src/media/mp3/header.ts'
import { createOpusParams } from '../../../src/media/opus/parameters.ts'
import { createPcmParams } from '../../../src/media/pcm/parameters.ts'
import { createDepacketiser } from '../../../src/media/rtp/depacketise.ts'
import { createRtpStreamState, readRtpPacket } from '../../../src/media/rtp/packet.ts'
import { createPacketiser } from '../../../src/media/rtp/packetise.ts'
import type { CodecParameters, Frame } from '../../../src/media/types.ts'
import { createVp9Params } from '../../../src/media/vp9/header.ts'
import { h264Frames, vp9Frames } from '../../helpers/media-fixtures.ts'

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))

class Receiver {
  readonly frames: Frame[] = []
  readonly params: CodecParameters[] = []
  readonly losses: number[] = []
  readonly depacketiser
  readonly #state

  constructor(params: CodecParameters, windowUs = 50_000) {
    this.#state = createRtpStreamState(params.codec)
    this.depacketiser = createDepacketiser(
      params,
      {
        onFrame: frame => this.frames.push(frame),
        onParams: changed => this.params.push(changed),
        onLoss: packets => this.losses.push(packets),
      },
      { windowUs },
    )
  }

  push(seq: number, ts: number, payload: Uint8Array, { marker = false, now = 0 } = {}): void {
    const bytes = new Uint8Array(12 + payload.length)
    const view = new DataView(bytes.buffer)
    view.setUint16(0, marker ? 0x80e0 : 0x8060)
    view.setUint16(2, seq & 0xffff)
    view.setUint32(4, ts >>> 0)
    bytes.set(payload, 12)
    this.depacketiser.push(readRtpPacket(bytes, now, this.#state)!, now)
  }

  get times(): number[] {
    return this.frames.map(frame => frame.pts)
  }
}

const opusPacket = hex('fc01')
const opus = (windowUs?: number): Receiver => new Receiver(createOpusParams(), windowUs)

describe('order and gaps', () => {
  test('a missing packet is waited for until its time is over', () => {
    const receiver = opus()
    receiver.push(1, 960, opusPacket)
    receiver.push(3, 2880, opusPacket, { now: 1000 })
    receiver.depacketiser.poll(50_999)
    expect(receiver.times).toEqual([960])
    receiver.depacketiser.poll(51_000)
    expect(receiver.times).toEqual([960, 2880])
    expect(receiver.losses).toEqual([1])
    expect(receiver.frames.map(frame => frame.discontinuity)).toEqual([false, true])
    receiver.push(2, 1920, opusPacket, { now: 52_000 })
    expect(receiver.times).toEqual([960, 2880])
    expect(receiver.depacketiser.stats).toEqual({
      lost: 1,
      reordered: 0,
      duplicate: 1,
      malformed: 0,
      framesDropped: 0,
    })
  })

  test('a retransmission in time closes the gap', () => {
    const receiver = opus()
    for (const seq of [1, 3, 4, 6, 2, 5]) receiver.push(seq, seq * 960, opusPacket, { now: seq * 1000 })
    expect(receiver.times).toEqual([1, 2, 3, 4, 5, 6].map(i => i * 960))
    expect(receiver.depacketiser.stats).toMatchObject({ lost: 0, reordered: 2 })
    expect(receiver.frames.some(frame => frame.discontinuity)).toBe(false)
  })

  test('two gaps are given up each at its own time', () => {
    const receiver = opus()
    receiver.push(1, 0, opusPacket)
    receiver.push(3, 3, opusPacket, { now: 10_000 })
    receiver.push(6, 6, opusPacket, { now: 40_000 })
    receiver.depacketiser.poll(60_000)
    expect([receiver.times, receiver.losses]).toEqual([[0, 3], [1]])
    receiver.depacketiser.poll(89_999)
    expect(receiver.losses).toEqual([1])
    receiver.depacketiser.poll(90_000)
    expect([receiver.times, receiver.losses]).toEqual([
      [0, 3, 6],
      [1, 2],
    ])
  })

  test('the window is bounded by packets too', () => {
    const receiver = opus()
    receiver.push(1, 1, opusPacket)
    for (let seq = 3; seq <= 1027; seq += 1) receiver.push(seq, seq, opusPacket)
    expect(receiver.times).toHaveLength(1026)
    expect(receiver.losses).toEqual([1])
  })

  test('a jump far ahead is one loss, not a wait', () => {
    const receiver = opus()
    receiver.push(1, 1, opusPacket)
    receiver.push(20_000, 2, opusPacket)
    expect([receiver.times, receiver.losses]).toEqual([[1, 2], [19_998]])
  })

  test('a source that numbers anew is followed after two packets', () => {
    const receiver = opus()
    receiver.push(30_000, 1, opusPacket)
    for (const seq of [5, 6, 7, 8]) receiver.push(seq, seq, opusPacket)
    expect(receiver.times).toEqual([1, 6, 7, 8])
    expect(receiver.losses).toEqual([1])
  })

  test('one stray packet from far behind changes nothing', () => {
    const receiver = opus()
    receiver.push(30_000, 1, opusPacket)
    receiver.push(5, 5, opusPacket)
    receiver.push(30_001, 2, opusPacket)
    receiver.push(9, 5, opusPacket)
    receiver.push(30_002, 3, opusPacket)
    expect([receiver.times, receiver.losses]).toEqual([[1, 2, 3], []])
  })

  test('packets without payload (padding for probing) fill their number', () => {
    const receiver = opus()
    receiver.push(1, 1, opusPacket)
    receiver.push(2, 1, hex(''))
    receiver.push(3, 3, opusPacket)
    expect([receiver.times, receiver.losses]).toEqual([[1, 3], []])
  })

  test('damage is counted and counts as loss', () => {
    const receiver = opus()
    receiver.push(1, 1, opusPacket)
    receiver.push(2, 2, hex('ff'))
    receiver.push(3, 3, opusPacket)
    expect([receiver.times, receiver.losses]).toEqual([[1, 3], [1]])
    expect(receiver.depacketiser.stats).toMatchObject({ malformed: 1, framesDropped: 1 })
    expect(receiver.frames[1]!.discontinuity).toBe(true)
  })
})

describe('h264', () => {
  const [first] = h264Frames('h264-baseline')
  const params = first!.params as ReturnType<typeof createH264Params>
  const sps = params.sps!
  const pps = params.pps[0]!
  const idr = hex('65 88 84 00 10')
  const slice = hex('41 9a 00 10')
  const stapA = (...units: Uint8Array[]): Uint8Array =>
    Uint8Array.from([0x78, ...units.flatMap(unit => [unit.length >> 8, unit.length, ...unit])])

  test('SPS in its own packet, then STAP-A of PPS and IDR, every second: one change of parameters', () => {
    const receiver = new Receiver(createH264Params([], []))
    let seq = 65_500
    for (let second = 0; second < 60; second += 1) {
      const ts = second * 90_000
      receiver.push(seq++, ts, sps)
      receiver.push(seq++, ts, stapA(pps, idr), { marker: true })
      receiver.push(seq++, ts + 45_000, slice, { marker: true })
    }
    expect(receiver.params).toEqual([params])
    expect(receiver.frames).toHaveLength(120)
    expect(receiver.frames.every(frame => frame.params === receiver.params[0])).toBe(true)
    expect(receiver.frames.filter(frame => frame.key)).toHaveLength(60)
    expect(receiver.frames[0]!.units).toEqual([idr])
  })

  test('parameter sets with a marker and a time of their own make no frame', () => {
    const receiver = new Receiver(createH264Params([], []))
    receiver.push(1, 0, stapA(sps, pps), { marker: true })
    receiver.push(2, 90, idr, { marker: true })
    expect(receiver.frames.map(frame => [frame.key, frame.pts])).toEqual([[true, 90]])
    expect(receiver.frames[0]!.params).toEqual(params)
  })

  test('an IDR without any SPS is damage: another one is asked for', () => {
    const receiver = new Receiver(createH264Params([], []))
    receiver.push(1, 0, idr, { marker: true })
    expect([receiver.frames.length, receiver.losses]).toEqual([0, [1]])
  })

  test('an IDR whose SPS packet is lost is left out when the source sends SPS in-band', () => {
    const receiver = new Receiver(createH264Params([], []))
    receiver.push(1, 0, stapA(sps, pps))
    receiver.push(2, 0, idr, { marker: true })
    receiver.push(4, 9000, idr, { marker: true })
    receiver.push(5, 18_000, stapA(sps, pps))
    receiver.push(6, 18_000, idr, { marker: true })
    receiver.depacketiser.poll(1_000_000)
    expect(receiver.times).toEqual([0, 18_000])
    expect(receiver.depacketiser.stats).toMatchObject({ lost: 1, framesDropped: 1 })
  })

  test('a SEI in front does not hide that the SPS packet is lost', () => {
    const receiver = new Receiver(createH264Params([], []))
    receiver.push(1, 0, stapA(sps, pps))
    receiver.push(2, 0, idr, { marker: true })
    receiver.push(4, 9000, hex('06 05 01 aa 80'))
    receiver.push(5, 9000, idr, { marker: true })
    receiver.push(6, 18_000, hex('06 05 01 aa 80'))
    receiver.push(7, 18_000, slice, { marker: true })
    receiver.depacketiser.poll(1_000_000)
    expect(receiver.times).toEqual([0, 18_000])
  })

  test('a stream may begin with SEI; SEI alone is no frame', () => {
    const receiver = new Receiver(params)
    receiver.push(1, 0, hex('06 05 01 aa 80'))
    receiver.push(2, 0, idr, { marker: true })
    receiver.push(3, 3000, hex('06 05 01 aa 80'), { marker: true })
    receiver.push(4, 6000, slice, { marker: true })
    expect(receiver.frames.map(frame => [frame.pts, frame.units.length])).toEqual([
      [0, 2],
      [6000, 1],
    ])
  })

  test('an IDR behind a gap is taken when SPS comes from SDP', () => {
    const receiver = new Receiver(params)
    receiver.push(1, 0, idr, { marker: true })
    receiver.push(3, 9000, idr, { marker: true })
    receiver.depacketiser.poll(1_000_000)
    expect(receiver.times).toEqual([0, 9000])
  })

  test('without markers a frame ends where the time changes', () => {
    const receiver = new Receiver(params)
    receiver.push(1, 0, idr)
    receiver.push(2, 0, hex('65 08 84'))
    receiver.push(3, 3000, slice)
    receiver.push(4, 6000, slice)
    expect(receiver.frames.map(frame => [frame.pts, frame.units.length])).toEqual([
      [0, 2],
      [3000, 1],
    ])
  })

  test('a frame without end is given up, the next one comes whole', () => {
    const receiver = new Receiver(params)
    receiver.push(1, 0, idr, { marker: true })
    for (let seq = 2; seq < 9002; seq += 1) receiver.push(seq, 3000, slice)
    receiver.push(9002, 6000, slice, { marker: true })
    expect(receiver.times).toEqual([0, 6000])
    expect(receiver.losses).toEqual([8192])
    expect(receiver.depacketiser.stats).toMatchObject({ malformed: 8192, framesDropped: 1 })
  })

  test.each([
    ['FU-A without its start', ['5c01 aa', '5c41 bb']],
    ['FU-A without its end', ['5c81 9a', '5c01 bb']],
    ['a unit inside a FU-A', ['5c81 9a', '419a']],
    ['STAP-A with a length past the end', ['78 0009 419a']],
    ['STAP-A with an empty unit', ['78 0000']],
    ['STAP-B', ['79 0000 0002 419a']],
    ['type 0', ['00 11']],
  ])('%s is no frame', (_, payloads) => {
    const receiver = new Receiver(params)
    receiver.push(1, 0, idr, { marker: true })
    for (const [i, payload] of payloads.entries())
      receiver.push(2 + i, 3000, hex(payload), { marker: i === payloads.length - 1 })
    receiver.push(2 + payloads.length, 6000, slice, { marker: true })
    expect(receiver.times).toEqual([0, 6000])
    expect(receiver.depacketiser.stats).toMatchObject({ malformed: payloads.length, framesDropped: 1 })
    expect(receiver.frames[1]!.discontinuity).toBe(true)
  })
})

describe('decode times', () => {
  const through = (
    frames: readonly Frame[],
    params: CodecParameters,
  ): { out: Frame[]; changes: CodecParameters[] } => {
    const out: Frame[] = []
    const changes: CodecParameters[] = []
    const depacketiser = createDepacketiser(params, {
      onFrame: frame => out.push(frame),
      onParams: changed => changes.push(changed),
      onLoss: () => expect.unreachable(),
    })
    const packetiser = createPacketiser(params, { maxPayload: 1188 }, packet => depacketiser.push(packet, 0))
    for (const frame of frames) packetiser.push(frame)
    return { out, changes }
  }

  test.each([
    ['h264-bframes', 1],
    ['h264-bpyramid', 2],
  ] as const)('%s: as the encoder gave them, but for the first %i', (name, depth) => {
    const frames = h264Frames(name)
    const { out } = through(frames, frames[0]!.params)
    expect(out.slice(depth).map(frame => frame.dts)).toEqual(frames.slice(depth).map(frame => frame.dts))
    out.forEach((frame, i) => {
      expect(frame.dts).toBeLessThanOrEqual(frame.pts)
      if (i > 0) expect(frame.dts).toBeGreaterThan(out[i - 1]!.dts)
    })
  })

  test('baseline: dts is pts', () => {
    const { out } = through(h264Frames('h264-baseline'), h264Frames('h264-baseline')[0]!.params)
    expect(out.every(frame => frame.dts === frame.pts)).toBe(true)
  })

  test('B-frames that the SPS does not announce are seen, and said once', () => {
    const silent = { ...createH264Params([], []), sps: hex('67 64 00 0b'), pps: [hex('68 ce')] }
    const frames = h264Frames('h264-bframes').map(frame => ({ ...frame, params: silent }))
    const { out, changes } = through(frames, silent)
    expect(changes).toEqual([{ ...silent, reordered: true }])
    expect(out.find(frame => 'reordered' in frame.params && frame.params.reordered)!.pts).toBe(3600)
    const times = out.map(frame => frame.dts)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    expect(out.map(frame => frame.pts)).toEqual(frames.map(frame => frame.pts))
  })
})

describe('vp9', () => {
  test('two spatial layers become one superframe', () => {
    const [key] = vp9Frames()
    const data = key!.units[0]!
    const receiver = new Receiver(createVp9Params())
    receiver.push(1, 0, Uint8Array.from([0xac, 0x80, 1, 0x00, 0, ...data]))
    receiver.push(2, 0, Uint8Array.from([0xac, 0x80, 1, 0x02, 0, ...data]), { marker: true })
    const unit = receiver.frames[0]!.units[0]!
    const size = data.length
    expect(unit.length).toBe(2 * size + 6)
    expect([...unit.subarray(2 * size)]).toEqual([0xc9, size & 255, size >> 8, size & 255, size >> 8, 0xc9])
    expect(receiver.params).toEqual([createVp9Params({ width: 176, height: 144 })])
  })
})

describe('audio', () => {
  test('AAC: several access units in a packet are spaced by their length', () => {
    const receiver = new Receiver(createAacParams(hex('1210')))
    receiver.push(1, 5000, hex('0020 0010 0018 aabb cccccc'), { marker: true })
    expect(receiver.frames.map(({ pts, duration, units }) => [pts, duration, units[0]!.length])).toEqual([
      [5000, 1024, 2],
      [6024, 1024, 3],
    ])
  })

  test.each([
    ['sizes beyond the packet', '0010 0020 aabb'],
    ['interleaving', '0010 0011 aabb'],
    ['headers beyond the packet', '0100 0010 aabb'],
    ['no headers', '0000 aabb'],
    ['cut short', '0010 00'],
  ])('AAC: %s is damage', (_, payload) => {
    const receiver = new Receiver(createAacParams(hex('1210')))
    receiver.push(1, 0, hex(payload), { marker: true })
    expect([receiver.frames.length, receiver.losses]).toEqual([0, [1]])
  })

  test('G.711 and L16 durations', () => {
    const pcmu = new Receiver(createPcmParams('pcmu'))
    pcmu.push(1, 0, new Uint8Array(160))
    expect(pcmu.frames[0]).toMatchObject({ duration: 160, key: true })
    const l16 = new Receiver(createPcmParams('l16', 2, 48_000))
    l16.push(1, 0, new Uint8Array(960 * 4))
    l16.push(2, 960, new Uint8Array(3))
    expect(l16.frames.map(frame => frame.duration)).toEqual([960])
    expect(l16.losses).toEqual([1])
  })

  test('codecs without a payload format are refused by name', () => {
    const events = { onFrame: () => {}, onParams: () => {}, onLoss: () => {} }
    const refusal = expect.objectContaining({
      code: 'unsupported-codec',
      message: expect.stringContaining('mp3'),
    })
    expect(() => createDepacketiser(createMp3Params(44_100, 2), events)).toThrow(refusal)
    expect(() => createPacketiser(createMp3Params(44_100, 2), { maxPayload: 1188 }, () => {})).toThrow(
      refusal,
    )
  })
})
