/** Tag bodies written by hand after the specification, and what is made of them. */
import { describe, expect, test } from 'vitest'
import { sizedObusBytes, writeObus } from '../../../src/media/av1/obu.ts'
import { buildAv1C } from '../../../src/media/av1/parameters.ts'
import type { FlvTag } from '../../../src/media/flv/types.ts'
import { buildAvcC } from '../../../src/media/h264/avcc.ts'
import { buildHvcC } from '../../../src/media/h265/hvcc.ts'
import { lengthPrefixedSize, writeLengthPrefixed } from '../../../src/media/nal.ts'
import { buildOpusHead } from '../../../src/media/opus/parameters.ts'
import type {
  Av1Parameters,
  Frame,
  H264Parameters,
  H265Parameters,
  OpusParameters,
} from '../../../src/media/types.ts'
import { readTags, tagsOf } from '../../helpers/flv.ts'
import {
  aacFrames,
  av1Frames,
  h264Frames,
  h265Frames,
  opusFrames,
  vp8Frames,
  vp9Frames,
} from '../../helpers/media-fixtures.ts'

const text = (name: string): number[] => [...name].map(letter => letter.charCodeAt(0))
const video = (...parts: (number | Iterable<number>)[]): FlvTag => tag(9, 0, parts)
const audio = (...parts: (number | Iterable<number>)[]): FlvTag => tag(8, 0, parts)
const tag = (type: 8 | 9, timestampMs: number, parts: readonly (number | Iterable<number>)[]): FlvTag => ({
  type,
  timestampMs,
  body: Uint8Array.from(parts.flatMap(part => (typeof part === 'number' ? [part] : [...part]))),
})
const nalBytes = ({ units }: Frame): Uint8Array => {
  const out = new Uint8Array(lengthPrefixedSize(units))
  writeLengthPrefixed(units, out, 0)
  return out
}
const obuBytes = ({ units }: Frame): Uint8Array => {
  const out = new Uint8Array(sizedObusBytes(units))
  writeObus(units, out, 0)
  return out
}
const u24 = (value: number): number[] => [(value >> 16) & 255, (value >> 8) & 255, value & 255]
const unitsOf = (frames: readonly Frame[] = []): string[][] =>
  frames.map(({ units }) => units.map(unit => Buffer.from(unit).toString('base64')))

const hevc = h265Frames()
const avc = h264Frames('h264-bframes')
const av1 = av1Frames()
const aac = aacFrames('aac-44100-stereo')
const opus = opusFrames()
const hvcC = buildHvcC(hevc[0]!.params as H265Parameters)!
const avcC = buildAvcC(avc[0]!.params as H264Parameters)!
const av1C = buildAv1C(av1[0]!.params as Av1Parameters)!
const opusHead = buildOpusHead(opus[0]!.params as OpusParameters)
const asc = (aac[0]!.params as { config: Uint8Array }).config

describe('Enhanced RTMP video, nothing announced', () => {
  test('HEVC: SequenceStart, CodedFrames with composition time, CodedFramesX', () => {
    const read = readTags([
      video(0x90, text('hvc1'), hvcC),
      video(0x91, text('hvc1'), u24(80), nalBytes(hevc[0]!)),
      tag(9, 40, [0xa3, ...[text('hvc1')], nalBytes(hevc[1]!)]),
    ])
    expect(read.damage).toEqual({})
    expect(read.tracks.get('video')).toMatchObject({ codec: 'h265', size: expect.anything() })
    const frames = read.frames.get('video')!
    expect(frames.map(({ pts, dts, key }) => [pts, dts, key])).toEqual([
      [7200, 0, true],
      [3600, 3600, false],
    ])
    expect(unitsOf(frames)).toEqual(unitsOf(hevc.slice(0, 2)))
  })

  test('HEVC in the legacy form with CodecID 12', () => {
    const read = readTags([video(0x1c, 0, 0, 0, 0, hvcC), video(0x1c, 1, u24(0), nalBytes(hevc[0]!))])
    expect(read.damage).toEqual({})
    expect(read.tracks.get('video')?.codec).toBe('h265')
    expect(unitsOf(read.frames.get('video'))).toEqual(unitsOf(hevc.slice(0, 1)))
  })

  test('AV1', () => {
    const read = readTags([video(0x90, text('av01'), av1C), video(0x91, text('av01'), obuBytes(av1[0]!))])
    expect(read.damage).toEqual({})
    expect(read.tracks.get('video')).toMatchObject({ codec: 'av1', size: expect.anything() })
    expect(read.frames.get('video')).toMatchObject([{ key: true, pts: 0 }])
  })

  test('H.264 by FourCC is H.264', () => {
    const read = readTags([
      video(0x90, text('avc1'), avcC),
      video(0x91, text('avc1'), u24(40), nalBytes(avc[0]!)),
    ])
    expect(read.tracks.get('video')?.codec).toBe('h264')
    expect(unitsOf(read.frames.get('video'))).toEqual(unitsOf(avc.slice(0, 1)))
  })

  test.each([
    ['vp08', vp8Frames()],
    ['vp09', vp9Frames()],
  ])('%s without a sequence start: key frames say everything', (name, frames) => {
    const tags = frames
      .slice(0, 3)
      .map((frame, i) => tag(9, i * 40, [frame.key ? 0x91 : 0xa1, text(name), frame.units[0]!]))
    const read = readTags(tags)
    expect(read.damage).toEqual({})
    expect(read.tracks.get('video')).toMatchObject({ size: expect.anything() })
    expect(read.frames.get('video')!.length).toBe(3)
  })

  test('SequenceEnd and Metadata are no frames, a command frame is none either', () => {
    const read = readTags([
      video(0x90, text('hvc1'), hvcC),
      video(0x92, text('hvc1')),
      video(0x94, text('hvc1'), 2, 0, 9, text('colorInfo'), 3, 0, 0, 9),
      video(0xd0, 0),
      video(0x57, 0),
    ])
    expect(read.damage).toEqual({})
    expect(read.frames.size).toBe(0)
  })

  test('what is not carried on is named by its FourCC, and does not disturb the picture beside it', () => {
    const read = readTags([
      video(0x90, text('avc1'), avcC),
      video(0x90, text('vvc1'), 1, 2, 3),
      video(0x95, text('av01'), 1, 2, 3),
      video(0x91, text('avc1'), u24(0), nalBytes(avc[0]!)),
      video(0x91, 1, 2, 3, 4, 5),
    ])
    expect(read.damage).toEqual({
      'video codec vvc1 is not supported': 1,
      'av01 in MPEG-2 TS form is not supported': 1,
      'video codec 0x01020304 is not supported': 1,
    })
    expect(read.frames.get('video')).toMatchObject([{ discontinuity: false }])
  })
})

describe('ModEx', () => {
  test('the nano offset moves the time, unknown prefixes are passed over', () => {
    const read = readTags([
      video(0x90, text('hvc1'), hvcC),
      // Size 3, data 500 000 ns, type TimestampOffsetNano, then an unknown prefix of 2 bytes, then CodedFramesX.
      video(0x97, 2, u24(500_000), 0x07, 1, 0xaa, 0xbb, 0x53, text('hvc1'), nalBytes(hevc[0]!)),
    ])
    expect(read.damage).toEqual({})
    expect(read.frames.get('video')).toMatchObject([{ pts: 45, dts: 45 }])
  })

  test('sizes of 256 and more', () => {
    const read = readTags([
      video(0x90, text('hvc1'), hvcC),
      video(0x97, 255, 1, 43, new Uint8Array(300), 0x53, text('hvc1'), nalBytes(hevc[0]!)),
    ])
    expect(read.damage).toEqual({})
    expect(read.frames.get('video')!.length).toBe(1)
  })

  test('audio has it too', () => {
    const read = readTags([audio(0x97, 2, u24(1_000_000), 0x01, text('Opus'), opus[0]!.units[0]!)])
    expect(read.damage).toEqual({})
    expect(read.frames.get('audio')).toMatchObject([{ pts: 48 }])
  })
})

describe('multitrack', () => {
  test('OneTrack: further tracks stay tracks', () => {
    const read = readTags([
      video(0x17, 0, 0, 0, 0, avcC),
      video(0x96, 0x00, text('avc1'), 1, avcC),
      video(0x17, 1, u24(0), nalBytes(avc[0]!)),
      video(0x96, 0x03, text('avc1'), 1, nalBytes(avc[0]!)),
    ])
    expect(read.damage).toEqual({})
    expect([...read.tracks.keys()]).toEqual(['video', 'video-1'])
    expect([...read.frames].map(([id, frames]) => [id, frames.length])).toEqual([
      ['video', 1],
      ['video-1', 1],
    ])
  })

  test('ManyTracks of one codec', () => {
    const [a, b] = [nalBytes(avc[0]!), nalBytes(avc[1]!)]
    const read = readTags([
      video(0x96, 0x10, text('avc1'), 0, u24(avcC.length), avcC, 2, u24(avcC.length), avcC),
      video(0x96, 0x13, text('avc1'), 0, u24(a.length), a, 2, u24(b.length), b),
    ])
    expect(read.damage).toEqual({})
    expect([...read.frames.keys()]).toEqual(['video', 'video-2'])
    expect(unitsOf(read.frames.get('video-2'))).toEqual(unitsOf([avc[1]!]))
  })

  test('ManyTracksManyCodecs', () => {
    const [a, b] = [nalBytes(avc[0]!), nalBytes(hevc[0]!)]
    const part = (name: string, id: number, bytes: Uint8Array) => [
      ...text(name),
      id,
      ...u24(bytes.length),
      ...bytes,
    ]
    const read = readTags([
      video(0x96, 0x20, part('avc1', 0, avcC), part('hvc1', 1, hvcC)),
      video(0x96, 0x23, part('avc1', 0, a), part('hvc1', 1, b)),
    ])
    expect(read.damage).toEqual({})
    expect([...read.tracks.values()].map(({ codec }) => codec)).toEqual(['h264', 'h265'])
  })

  test('audio tracks, one of them AAC', () => {
    const read = readTags([
      audio(0x95, 0x00, text('Opus'), 0, opusHead),
      audio(0x95, 0x00, text('mp4a'), 1, asc),
      audio(0x95, 0x01, text('Opus'), 0, opus[0]!.units[0]!),
      audio(0x95, 0x01, text('mp4a'), 1, aac[0]!.units[0]!),
    ])
    expect(read.damage).toEqual({})
    expect([...read.tracks].map(([id, { codec }]) => [id, codec])).toEqual([
      ['audio', 'opus'],
      ['audio-1', 'aac'],
    ])
  })

  test('there is an end to the number of tracks', () => {
    const read = readTags([video(0x96, 0x00, text('avc1'), 200, avcC)])
    expect(read.damage).toEqual({ 'more than 16 video tracks': 1 })
  })
})

describe('audio', () => {
  test.each([
    ['fLaC', 'audio codec fLaC is not supported'],
    ['ac-3', 'audio codec ac-3 is not supported'],
    ['ec-3', 'audio codec ec-3 is not supported'],
  ])('%s is refused by name', (name, cause) => {
    expect(readTags([audio(0x91, text(name), 1, 2, 3)]).damage).toEqual({ [cause]: 1 })
  })

  test('AAC without its sequence header is dropped by name, until it comes', () => {
    const frame = audio(0xaf, 1, aac[0]!.units[0]!)
    const read = readTags([frame, frame, audio(0xaf, 0, asc), frame])
    expect(read.damage).toEqual({ 'mp4a frame before its sequence header': 2 })
    expect(read.frames.get('audio')!.length).toBe(1)
  })

  test('a repeated sequence header changes nothing, another one does', () => {
    const read = readTags([audio(0xaf, 0, asc), audio(0xaf, 0, asc), audio(0xaf, 0, 0x11, 0x90)])
    expect(read.tracks.get('audio')).toMatchObject({ clockRate: 44_100, channels: 2 })
    expect(read.changes).toMatchObject([{ id: 'audio', params: { clockRate: 48_000, channels: 2 } }])
  })

  test('another codec goes on under the same id', () => {
    const read = readTags([
      audio(0xaf, 0, asc),
      audio(0xaf, 1, aac[0]!.units[0]!),
      audio(0x91, text('Opus'), opus[0]!.units[0]!),
    ])
    expect(read.tracks.get('audio')?.codec).toBe('aac')
    expect(read.changes).toMatchObject([{ id: 'audio', params: { codec: 'opus' } }])
    expect(read.frames.get('audio')!.map(({ params }) => params.codec)).toEqual(['aac', 'opus'])
  })
})

describe('damage', () => {
  test.each<[string, FlvTag]>([
    ['empty video tag', video()],
    ['empty audio tag', audio()],
    ['truncated video tag', video(0x17)],
    ['truncated video tag', video(0x17, 1, 0)],
    ['truncated audio tag', audio(0xaf)],
    ['truncated video tag', video(0x91, text('hvc'))],
    ['truncated video tag', video(0x91, text('hvc1'), 0)],
    ['truncated video tag', video(0x97, 200, 1)],
    ['truncated video tag', video(0x96, 0x13, text('avc1'), 0, u24(99), 1)],
    ['truncated video tag', video(0x96, 0x06, text('avc1'), 0)],
    ['video packet type 9', video(0x99, text('avc1'), 1)],
    ['video packet type 3', video(0x17, 3, 0, 0, 0)],
    ['audio packet type 2', audio(0xaf, 2, 0)],
    ['empty audio frame', audio(0xaf, 1)],
    ['damaged audio frame', audio(0x2f, 1, 2, 3, 4)],
    ['damaged video frame', video(0x17, 1, 0, 0, 0, 0, 0, 1, 0, 9)],
    ['video codec h263 is not supported', video(0x12, 0)],
    ['audio codec speex is not supported', audio(0xb2, 0)],
    ['audio codec nellymoser is not supported', audio(0x62, 0)],
  ])('%s', (cause, damaged) => {
    expect(readTags([damaged]).damage).toEqual({ [cause]: 1 })
  })

  test('a sequence header that cannot be read is damage, the next one counts', () => {
    const read = readTags([
      video(0x17, 0, 0, 0, 0, 1, 2, 3),
      video(0x17, 0, 0, 0, 0, avcC),
      video(0x17, 1, u24(0), nalBytes(avc[0]!)),
    ])
    expect(Object.values(read.damage)).toEqual([1])
    expect(read.frames.get('video')!.length).toBe(1)
  })

  test('the frame after a loss says so', () => {
    const read = readTags([
      video(0x17, 0, 0, 0, 0, avcC),
      video(0x17, 1, u24(0), nalBytes(avc[0]!)),
      video(0x27, 1, 0),
      video(0x27, 1, u24(0), nalBytes(avc[1]!)),
    ])
    expect(read.frames.get('video')!.map(({ discontinuity }) => discontinuity)).toEqual([false, true])
  })

  test('causes come to an end, counts do not', () => {
    const tags = Array.from({ length: 200 }, (_, i) =>
      video(0x91, 0x61, 0x62, 0x30 + (i >> 4), 0x40 + (i & 15)),
    )
    const { damage } = readTags(tags)
    expect(Object.keys(damage).length).toBeLessThanOrEqual(65)
    expect(Object.values(damage).reduce((sum, count) => sum + count)).toBe(200)
  })
})

describe('written and read again', () => {
  const films: Readonly<Record<string, Frame[]>> = {
    'h264 with B-frames': avc,
    h265: hevc,
    av1,
    vp8: vp8Frames(),
    vp9: vp9Frames(),
    opus,
    aac,
  }
  test.each(Object.keys(films).flatMap(name => [0, 3].map(number => [name, number] as const)))(
    '%s as track %i',
    (name, number) => {
      const frames = films[name]!
      const read = readTags(tagsOf(frames, number))
      const id = frames[0]!.params.kind + (number === 0 ? '' : `-${number}`)
      expect(read.damage).toEqual({})
      expect([...read.tracks.keys()]).toEqual([id])
      expect(read.tracks.get(id)).toMatchObject({ codec: frames[0]!.params.codec })
      const again = read.frames.get(id)!
      expect(again.map(({ key }) => key)).toEqual(frames.map(({ key }) => key))
      expect(again.map(({ units }) => units.length)).toEqual(frames.map(({ units }) => units.length))
      const perMs = frames[0]!.params.clockRate / 1000
      for (const [i, frame] of again.entries()) {
        expect(Math.abs(frame.pts - frames[i]!.pts)).toBeLessThanOrEqual(perMs)
        expect(Math.abs(frame.dts - frames[i]!.dts)).toBeLessThanOrEqual(perMs)
      }
    },
  )
})
