import { describe, expect, test } from 'vitest'
import { buildAudioSpecificConfig, parseAudioSpecificConfig } from '../../../src/media/aac/config.ts'
import { joinAnnexB } from '../../../src/media/nal.ts'
import { TsDemuxer, type TsOptions } from '../../../src/media/ts/demuxer.ts'
import type { CodecParameters, Frame } from '../../../src/media/types.ts'
import { adtsFrame } from '../../helpers/adts.ts'
import { aacFrames, fixture, h264Frames, h265Frames, opusFrames } from '../../helpers/media-fixtures.ts'
import { section, TsMuxer } from '../../helpers/ts.ts'

const VIDEO = { pid: 0x100, type: 0x1b }
const AAC = { pid: 0x101, type: 0x0f }
const MPEG_AUDIO = { pid: 0x102, type: 0x03 }
const OPUS = { pid: 0x103, type: 0x06, descriptors: [5, 4, ...Buffer.from('Opus'), 0x7f, 2, 0x80, 2] }

const collect = (options?: TsOptions) => {
  const tracks = new Map<string, CodecParameters>()
  const changes: string[] = []
  const frames: (Frame & { id: string })[] = []
  const programs: object[] = []
  const demuxer = new TsDemuxer(
    {
      onProgram: kinds => programs.push(kinds),
      onTrack: (id, params) => tracks.set(id, params),
      onParams: id => changes.push(id),
      onFrame: (id, frame) => frames.push({ ...frame, id }),
      onDamage: () => {},
    },
    options,
  )
  const push = (bytes: Uint8Array, arrival = 0): void => {
    // As datagrams come: seven packets each, in memory that is used again.
    for (let at = 0; at < bytes.length; at += 1316) {
      const slab = bytes.slice(at, at + 1316)
      demuxer.push(slab, 0, slab.length, arrival)
      slab.fill(0x47)
    }
  }
  const of = (id: string): Frame[] => frames.filter(frame => frame.id === id)
  return { demuxer, push, of, tracks, changes, programs }
}

const annexB = (frame: Frame): Uint8Array => {
  const { params } = frame
  const sets =
    params.codec === 'h264'
      ? [params.sps!, ...params.pps]
      : params.codec === 'h265'
        ? [params.vps!, params.sps!, ...params.pps]
        : []
  const delimiter = params.codec === 'h264' ? Uint8Array.of(9, 0xf0) : Uint8Array.of(0x46, 1, 0x50)
  return joinAnnexB([delimiter, ...(frame.key ? sets : []), ...frame.units])
}

const adts = (frame: Frame): Uint8Array => {
  const config = parseAudioSpecificConfig((frame.params as { config: Uint8Array }).config)
  return adtsFrame(frame.units[0]!, config.sampleRate, config.channels)
}
const ninety = (frame: Frame): number => Math.round((frame.pts * 90_000) / frame.params.clockRate)
const bytesOf = (frames: readonly Frame[]): string[] =>
  frames.map(({ units }) => units.map(unit => Buffer.from(unit).toString('base64')).join(' '))

describe('pictures', () => {
  test.each([
    ['h264 with B-frames', () => h264Frames('h264-bframes'), 0x1b],
    ['h264, two slices a picture', () => h264Frames('h264-baseline'), 0x1b],
    ['h265', h265Frames, 0x24],
  ] as const)('%s: every unit, both times, key frames', (_, load, type) => {
    const source = load()
    const mux = new TsMuxer()
    const { push, of, demuxer, tracks } = collect()
    push(mux.tables([{ pid: 0x100, type }]))
    for (const frame of source)
      push(mux.pes(0x100, annexB(frame), { pts: frame.pts + 9e4, dts: frame.dts + 9e4 }))
    demuxer.end()
    expect(bytesOf(of('video'))).toEqual(bytesOf(source))
    expect(of('video').map(({ pts, dts, key }) => [pts, dts, key])).toEqual(
      source.map(({ pts, dts, key }) => [pts + 9e4, dts + 9e4, key]),
    )
    expect(tracks.get('video')).toMatchObject({ sps: source[0]!.params && expect.any(Uint8Array) })
    expect(demuxer.damage).toEqual({})
  })

  test('a picture goes out at once where its length is said, else when the next begins', () => {
    const [first, second] = h264Frames('h264-baseline')
    const mux = new TsMuxer()
    const { push, of } = collect()
    push(mux.tables([VIDEO]))
    push(mux.pes(VIDEO.pid, annexB(first!), { pts: 0, bounded: true }))
    expect(of('video')).toHaveLength(1)
    push(mux.pes(VIDEO.pid, annexB(second!), { pts: 3000 }))
    expect(of('video')).toHaveLength(1)
    push(mux.pes(VIDEO.pid, annexB(second!), { pts: 6000 }))
    expect(of('video')).toHaveLength(2)
  })

  test('several pictures of one packet are told apart by their delimiters', () => {
    const source = h264Frames('h264-baseline').slice(0, 6)
    const mux = new TsMuxer()
    const { push, of, demuxer } = collect()
    push(mux.tables([VIDEO]))
    for (let i = 0; i < 6; i += 2)
      push(mux.pes(VIDEO.pid, Buffer.concat([annexB(source[i]!), annexB(source[i + 1]!)]), { pts: i * 3600 }))
    demuxer.end()
    expect(bytesOf(of('video'))).toEqual(bytesOf(source))
    expect(of('video').map(({ dts }) => dts)).toEqual([0, 3600, 7200, 10_800, 14_400, 18_000])
  })

  test('what comes before the parameter sets is dropped with a reason', () => {
    const [key, delta] = h264Frames('h264-baseline')
    const mux = new TsMuxer()
    const { push, of, demuxer } = collect()
    push(mux.tables([VIDEO]))
    push(mux.pes(VIDEO.pid, annexB(delta!), { pts: 0, bounded: true }))
    push(mux.pes(VIDEO.pid, annexB(key!), { pts: 3000, bounded: true }))
    expect(of('video').map(frame => [frame.key, frame.discontinuity])).toEqual([[true, true]])
    expect(demuxer.damage).toEqual({ 'picture before the first parameter sets': 1 })
  })
})

describe('sound', () => {
  test('AAC: several frames a packet, frames across packets, one exact count of samples', () => {
    const source = aacFrames('aac-44100-stereo').slice(0, 40)
    const whole = Buffer.concat(source.map(adts))
    const starts = source.map((_, i) =>
      source.slice(0, i).reduce((sum, f) => sum + 7 + f.units[0]!.length, 0),
    )
    const mux = new TsMuxer()
    const { push, of, demuxer, tracks } = collect()
    push(mux.tables([AAC]))
    for (let at = 0; at < whole.length; at += 1000) {
      const first = starts.findIndex(start => start >= at)
      const pts = first === -1 || starts[first]! >= at + 1000 ? undefined : ninety(source[first]!)
      push(
        mux.pes(AAC.pid, whole.subarray(at, at + 1000), { bounded: true, ...(pts !== undefined && { pts }) }),
      )
    }
    expect(demuxer.damage).toEqual({})
    expect(bytesOf(of('audio'))).toEqual(bytesOf(source))
    expect(of('audio').map(({ pts, duration }) => [pts, duration])).toEqual(
      source.map(({ pts }) => [pts, 1024]),
    )
    expect(tracks.get('audio')).toMatchObject({
      codec: 'aac',
      channels: 2,
      clockRate: 44_100,
      config: buildAudioSpecificConfig(44_100, 2),
    })
  })

  test('MP3', () => {
    const bytes = fixture('mp3-44100-stereo.mp3')
    const start = bytes.findIndex((byte, i) => byte === 0xff && bytes[i + 1]! >= 0xfa)
    const mux = new TsMuxer()
    const { push, of, tracks } = collect()
    push(mux.tables([MPEG_AUDIO]))
    push(mux.pes(MPEG_AUDIO.pid, bytes.subarray(start, start + 9000), { pts: 0, bounded: true }))
    expect(of('audio').length).toBeGreaterThan(10)
    expect(of('audio').map(({ pts }) => pts)).toEqual(of('audio').map((_, i) => i * 1152))
    expect(tracks.get('audio')).toMatchObject({ codec: 'mp3', clockRate: 44_100, channels: 2 })
  })

  test('layer II is refused by name', () => {
    const mux = new TsMuxer()
    const { push, of, demuxer } = collect()
    push(mux.tables([MPEG_AUDIO]))
    push(
      mux.pes(MPEG_AUDIO.pid, Uint8Array.of(0xff, 0xfd, 0x84, 4, ...Array(500).fill(1)), {
        pts: 0,
        bounded: true,
      }),
    )
    expect(of('audio')).toEqual([])
    expect(demuxer.damage).toEqual({ 'MPEG audio of layer I or II is not supported': 1 })
  })

  test('Opus behind its control headers', () => {
    const source = opusFrames().slice(0, 12)
    const behind = (frame: Frame): number[] => {
      const size = frame.units[0]!.length
      const sizes = [...Array(Math.floor(size / 255)).fill(255), size % 255]
      return [0x7f, 0xe0, ...sizes, ...frame.units[0]!]
    }
    const mux = new TsMuxer()
    const { push, of, tracks, demuxer } = collect()
    push(mux.tables([OPUS]))
    for (let i = 0; i < 12; i += 3)
      push(
        mux.pes(OPUS.pid, Uint8Array.from(source.slice(i, i + 3).flatMap(behind)), {
          pts: ninety(source[i]!),
          bounded: true,
        }),
      )
    expect(demuxer.damage).toEqual({})
    expect(bytesOf(of('audio'))).toEqual(bytesOf(source))
    expect(of('audio').map(({ pts }) => pts)).toEqual(source.map(({ pts }) => pts))
    expect(tracks.get('audio')).toMatchObject({ codec: 'opus', channels: 2 })
  })
})

describe('damage', () => {
  const source = h264Frames('h264-baseline')

  test('a lost packet costs its picture, is counted, and the next picture says so', () => {
    const mux = new TsMuxer()
    const { push, of, demuxer } = collect()
    push(mux.tables([VIDEO]))
    source.slice(0, 6).forEach((frame, i) => {
      const packets = mux.pes(VIDEO.pid, annexB(frame), { pts: i * 3600, bounded: true })
      expect(packets.length).toBeGreaterThan(188)
      push(i === 2 ? Buffer.concat([packets.subarray(0, 188), packets.subarray(2 * 188)]) : packets)
    })
    expect(of('video').map(({ dts, discontinuity }) => [dts / 3600, discontinuity])).toEqual([
      [0, false],
      [1, false],
      [3, true],
      [4, false],
      [5, false],
    ])
    expect(demuxer.lost).toBe(1)
    expect(demuxer.damage).toEqual({ 'transport packets lost': 1 })
  })

  test('a packet that comes twice is taken once', () => {
    const mux = new TsMuxer()
    const { push, of, demuxer } = collect()
    push(mux.tables([VIDEO]))
    const packets = mux.pes(VIDEO.pid, annexB(source[0]!), { pts: 0, bounded: true })
    push(Buffer.concat([packets.subarray(0, 188), packets]))
    expect(bytesOf(of('video'))).toEqual(bytesOf(source.slice(0, 1)))
    expect(demuxer.damage).toEqual({})
  })

  test('reading goes on at the next sync byte', () => {
    const mux = new TsMuxer()
    const { push, of, demuxer } = collect()
    push(mux.tables([VIDEO]))
    const packets = mux.pes(VIDEO.pid, annexB(source[0]!), { pts: 0, bounded: true })
    demuxer.push(Buffer.concat([Uint8Array.of(1, 2, 3, 0x47, 5), packets]), 0, packets.length + 5, 0)
    expect(of('video')).toHaveLength(1)
    expect(demuxer.damage).toEqual({ 'no transport packet': 1 })
  })

  test('codecs that are not known are named, those that are no media are passed over', () => {
    const mux = new TsMuxer()
    const { push, programs, demuxer } = collect()
    push(
      mux.tables([
        { pid: 0x200, type: 0x02 },
        { pid: 0x201, type: 0x11 },
        { pid: 0x202, type: 0x06, descriptors: [0x59, 0] },
        { pid: 0x203, type: 0x86 },
        { pid: 0x204, type: 0xe1 },
        { pid: 0x205, type: 0x06, descriptors: [5, 4, ...Buffer.from('AV01')] },
        { ...OPUS, pid: 0x206, descriptors: [...OPUS.descriptors.slice(0, -1), 6] },
      ]),
    )
    expect(programs).toEqual([{ video: false, audio: false }])
    expect(Object.keys(demuxer.damage)).toEqual([
      'MPEG-2 video is not supported',
      'AAC in LATM is not supported',
      'DVB subtitles is not supported',
      'stream type 0xe1 is not supported',
      'AV01 is not supported',
      'Opus with channel configuration 6 is not supported',
    ])
  })

  test('a section with a wrong checksum changes nothing', () => {
    const mux = new TsMuxer()
    const { push, programs, demuxer } = collect()
    const wrong = section(0, 1, 0, [0, 1, 0xf0, 0])
    wrong[9]! ^= 1
    push(mux.section(0, wrong))
    expect(programs).toEqual([])
    expect(demuxer.damage).toEqual({ 'section with a wrong checksum': 1 })
  })
})

describe('programs', () => {
  test('one of several is read, by number when it is given', () => {
    const both = (mux: TsMuxer): Uint8Array =>
      Buffer.concat([
        mux.section(0, section(0, 1, 0, [0, 1, 0xf0, 0, 0, 2, 0xf0, 1])),
        mux.section(0x1000, section(2, 1, 0, [0xe1, 0, 0xf0, 0, 0x1b, 0xe1, 0, 0xf0, 0])),
        mux.section(0x1001, section(2, 2, 0, [0xe1, 0, 0xf0, 0, 0x0f, 0xe1, 1, 0xf0, 0])),
      ])
    const first = collect()
    first.push(both(new TsMuxer()))
    expect(first.programs).toEqual([{ video: true, audio: false }])
    expect(first.demuxer.damage).toEqual({ 'program 1 is read, 1 more are not': 1 })
    const second = collect({ program: 2 })
    second.push(both(new TsMuxer()))
    expect(second.programs).toEqual([{ video: false, audio: true }])
    const missing = collect({ program: 9 })
    missing.push(both(new TsMuxer()))
    expect(missing.demuxer.damage).toEqual({ 'there is no program 9': 1 })
  })

  test('streams that come and go: known ones go on, others end, new ones begin', () => {
    const source = h264Frames('h264-baseline')
    const sound = aacFrames('aac-48000-mono')
    const mux = new TsMuxer()
    const { push, of, demuxer, tracks, programs } = collect()
    push(mux.tables([VIDEO]))
    push(mux.pes(VIDEO.pid, annexB(source[0]!), { pts: 0, bounded: true }))
    // An encoder that begins anew says version 0 again.
    push(mux.tables([VIDEO, AAC], { version: 0 }))
    push(mux.pes(VIDEO.pid, annexB(source[1]!), { pts: 3600, bounded: true }))
    push(mux.pes(AAC.pid, Buffer.concat(sound.slice(0, 3).map(adts)), { pts: 0, bounded: true }))
    expect(programs).toEqual([
      { video: true, audio: false },
      { video: true, audio: true },
    ])
    expect(of('video').map(({ discontinuity }) => discontinuity)).toEqual([false, false])
    expect(of('audio')).toHaveLength(3)
    push(mux.tables([AAC], { version: 1 }))
    push(mux.pes(VIDEO.pid, annexB(source[2]!), { pts: 7200, bounded: true }))
    expect(of('video')).toHaveLength(2)
    expect([...tracks.keys()]).toEqual(['video', 'audio'])
    expect(demuxer.damage).toEqual({})
  })
})

describe('time', () => {
  const source = h264Frames('h264-baseline')

  test('33 bits wrap and nobody sees it; sound and pictures keep their distance', () => {
    const sound = aacFrames('aac-48000-mono')
    const mux = new TsMuxer()
    const { push, of, demuxer } = collect()
    const start = 2 ** 33 - 3 * 3600
    push(mux.tables([VIDEO, AAC]))
    for (let i = 0; i < 6; i++) {
      const at = i * 40_000
      push(mux.pes(VIDEO.pid, annexB(source[i]!), { pts: start + i * 3600, bounded: true }), at)
      push(mux.pes(AAC.pid, adts(sound[i]!), { pts: start + 900 + i * 1920, bounded: true }), at)
    }
    expect(of('video').map(({ dts }) => dts)).toEqual([0, 1, 2, 3, 4, 5].map(i => start + i * 3600))
    const seconds = (frame: Frame): number => frame.pts / frame.params.clockRate
    expect(seconds(of('audio')[0]!) - seconds(of('video')[0]!)).toBeCloseTo(0.01, 4)
    expect(demuxer.damage).toEqual({})
  })

  test('an encoder that begins anew goes on where it was, as long after as it took', () => {
    const mux = new TsMuxer()
    const { push, of, demuxer } = collect()
    push(mux.tables([VIDEO]))
    push(mux.pes(VIDEO.pid, annexB(source[0]!), { pts: 900_000, bounded: true }), 0)
    push(mux.pes(VIDEO.pid, annexB(source[0]!), { pts: 0, bounded: true }), 2_000_000)
    push(mux.pes(VIDEO.pid, annexB(source[1]!), { pts: 3600, bounded: true }), 2_040_000)
    expect(of('video').map(({ dts }) => dts)).toEqual([900_000, 1_080_000, 1_083_600])
    expect(demuxer.damage).toEqual({ 'times stepped back': 1 })
  })

  test('sound that lies seconds behind the pictures keeps its own time', () => {
    const sound = aacFrames('aac-48000-mono')
    const mux = new TsMuxer()
    const { push, of, demuxer } = collect()
    push(mux.tables([VIDEO, AAC]))
    push(mux.pes(VIDEO.pid, annexB(source[0]!), { pts: 360_000, bounded: true }))
    push(mux.pes(AAC.pid, adts(sound[0]!), { pts: 90_000, bounded: true }))
    expect(of('audio')[0]!.pts).toBe(48_000)
    expect(demuxer.damage).toEqual({})
  })
})
