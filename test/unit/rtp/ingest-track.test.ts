/** When a line of RTP becomes a track, and what the track is said to be. */
import { describe, expect, test } from 'vitest'
import type { LineFormat } from '../../../src/adapters/rtp/description.ts'
import { IngestTrack } from '../../../src/adapters/rtp/ingest-track.ts'
import type { Publication, TrackSpec } from '../../../src/core/types.ts'
import { createH264Params } from '../../../src/media/h264/parameters.ts'
import { createOpusParams } from '../../../src/media/opus/parameters.ts'
import { createRtpStreamState, readRtpPacket } from '../../../src/media/rtp/packet.ts'
import { createPacketiser } from '../../../src/media/rtp/packetise.ts'
import type { CodecParameters, Frame, RtpPacket } from '../../../src/media/types.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { h264Frames, opusFrames, vp8Frames } from '../../helpers/media-fixtures.ts'

interface Written {
  readonly specs: TrackSpec<'rtp'>[]
  readonly packets: RtpPacket[]
  readonly params: CodecParameters[]
  readonly anchors: string[]
  asked: number
}

const trackOf = (more: { maxPayload?: number; askable?: boolean } = {}) => {
  const written: Written = { specs: [], packets: [], params: [], anchors: [], asked: 0 }
  const publication = {
    addTrack: (spec: TrackSpec<'rtp'>) => {
      written.specs.push(spec)
      return {
        write: (packet: RtpPacket) => void written.packets.push(packet),
        setParams: (params: CodecParameters) => void written.params.push(params),
        clock: { anchor: ({ from }: { from: string }) => void written.anchors.push(from) },
      }
    },
  } as unknown as Publication
  const track = new IngestTrack({
    ...{
      publication,
      clock: new ManualClock(),
      id: 'video',
      maxPayload: more.maxPayload,
      usualPayload: 1460,
    },
    requestKeyframe:
      more.askable === true
        ? () => {
            written.asked++
          }
        : undefined,
    onTrack: () => {},
  })
  return { track, written }
}

const formatOf = (params: CodecParameters): LineFormat => ({
  format: { payloadType: 96, codec: params.codec, clockRate: params.clockRate },
  params,
  packetizationMode: 1,
})

/** As they come off the wire, five milliseconds apart, parameter sets in-band before key frames. */
const packetsOf = (frames: readonly Frame[], maxPayload = 1188): RtpPacket[] => {
  const raw: Uint8Array[] = []
  const packetiser = createPacketiser(frames[0]!.params, { maxPayload }, ({ bytes }) =>
    raw.push(bytes.slice()),
  )
  for (const frame of frames) packetiser.push(frame)
  const state = createRtpStreamState(frames[0]!.params.codec)
  return raw.map((bytes, index) => readRtpPacket(bytes, 1_000_000 + index * 5000, state)!)
}
const unknownH264 = formatOf(createH264Params([], [], undefined))

describe('a picture whose parameters are not described', () => {
  test('becomes a track at the end of its first key frame, and nothing of that is lost', () => {
    const { track, written } = trackOf()
    const packets = packetsOf(h264Frames('h264-baseline').slice(0, 40))
    const joined = packets.slice(packets.findIndex(({ key }) => !key))
    for (const packet of joined) track.packet(packet, unknownH264)
    expect(written.specs).toHaveLength(1)
    expect(written.specs[0]!.params).toMatchObject({ codec: 'h264', size: expect.anything() })
    expect(written.packets[0]).toMatchObject({ key: true, head: true })
    const from = joined.indexOf(written.packets[0]!)
    expect(written.packets).toEqual(joined.slice(from))
  })

  test('says how large its packets are when the first key frame has shown it', () => {
    for (const [cut, said] of [
      [1188, 1188],
      [1400, 1460],
      [4000, undefined],
    ] as const) {
      const { track, written } = trackOf()
      for (const packet of packetsOf(h264Frames('h264-baseline').slice(0, 40), cut))
        track.packet(packet, unknownH264)
      const { maxPayload } = written.specs[0]!.rtp!
      if (said === undefined) expect(maxPayload).toBeGreaterThan(1460)
      else expect(maxPayload).toBe(said)
    }
    const { track, written } = trackOf({ maxPayload: 900 })
    for (const packet of packetsOf(h264Frames('h264-baseline').slice(0, 40)))
      track.packet(packet, unknownH264)
    expect(written.specs[0]!.rtp).toEqual({ maxPayload: 900, h264PacketizationMode: 1 })
  })

  test('says why it is not there', () => {
    const { track } = trackOf()
    expect(track.missing).toBe('nothing came')
    const frames = h264Frames('h264-baseline')
    const bare = createH264Params([], [])
    const packets = packetsOf(frames.slice(0, 20).map(frame => ({ ...frame, params: bare })))
    for (const packet of packets.filter(({ key }) => !key)) track.packet(packet, unknownH264)
    expect(track.missing).toBe('no key frame came')
    for (const packet of packets) track.packet(packet, unknownH264)
    expect(track.missing).toMatch(/key frames came without parameter sets/)
    expect(track.isOpen).toBe(false)
  })

  test('asks for a key frame every half second, where its source can be asked', () => {
    const { track, written } = trackOf({ askable: true })
    const delta = packetsOf(vp8Frames().slice(1, 30)).filter(({ key }) => !key)
    const vp8 = formatOf(vp8Frames()[0]!.params)
    delta.slice(0, 12).forEach((packet, index) => {
      track.packet({ ...packet, arrival: 1_000_000 + index * 100_000 }, vp8)
    })
    expect(written.asked).toBe(3)
    expect(written.specs).toEqual([])
  })
})

test('B-frames are seen where no parameter says so', () => {
  const { track, written } = trackOf()
  const frames = h264Frames('h264-bpyramid').slice(0, 60)
  const bare = createH264Params([], [])
  const format = formatOf({ ...frames[0]!.params, reordered: undefined } as CodecParameters)
  for (const packet of packetsOf(frames.map(frame => ({ ...frame, params: bare }))))
    track.packet(packet, format)
  const known = [...written.specs.map(({ params }) => params), ...written.params]
  expect(known.some(params => 'reordered' in params && params.reordered === true)).toBe(true)
})

test('sound begins with the first report, or a moment after the first packet, with all that came', () => {
  const opus = formatOf(createOpusParams())
  const packets = packetsOf(opusFrames().slice(0, 60))
  const { track, written } = trackOf()
  track.packet(packets[0]!, opus)
  expect(written.specs).toEqual([])
  track.senderReport(packets[0]!.ts, 1e15)
  track.packet(packets[1]!, opus)
  expect(written.packets).toEqual(packets.slice(0, 2))
  expect(written.anchors.slice(0, 2)).toEqual(['sender-report', 'arrival'])
  const silent = trackOf()
  for (const packet of packets) silent.track.packet(packet, opus)
  expect(silent.written.packets).toEqual(packets)
  expect(silent.written.anchors[0]).toBe('arrival')
})

test('another codec of the same line is another kind of media, under the same id', () => {
  const { track, written } = trackOf()
  const h264 = packetsOf(h264Frames('h264-baseline').slice(0, 40))
  const vp8 = vp8Frames().slice(0, 10)
  for (const packet of h264) track.packet(packet, unknownH264)
  for (const packet of packetsOf(vp8)) track.packet(packet, formatOf(vp8[0]!.params))
  expect(written.specs).toHaveLength(1)
  expect(written.params.at(-1)!.codec).toBe('vp8')
})
