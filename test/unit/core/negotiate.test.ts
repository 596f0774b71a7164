import { describe, expect, test } from 'vitest'
import { describePlan, describeRefusal } from '../../../src/core/describe.ts'
import { fitsProfile, negotiate } from '../../../src/core/negotiate.ts'
import type { Accept, NegotiatePolicy, TrackInfo } from '../../../src/core/types.ts'
import type { CodecParameters, Form } from '../../../src/media/types.ts'
import { aac as aacParams, h264, opus as opusParams, vp8 as vp8Params } from '../../helpers/core-media.ts'

const track = (
  id: string,
  native: Form,
  params: CodecParameters,
  rest: Partial<TrackInfo> = {},
): TrackInfo => ({
  id,
  kind: params.kind,
  native,
  params,
  keyframeOnRequest: native === 'rtp',
  ...rest,
})
const v = (native: Form, reordered?: boolean, maxReorder?: number): TrackInfo =>
  track('video', native, { ...h264, reordered, maxReorder })
const aac = track('audio', 'frame', aacParams)
const opus = track('audio', 'rtp', opusParams)
const vp8 = track('video', 'rtp', vp8Params)
const pcmu = track('audio', 'rtp', { codec: 'pcmu', kind: 'audio', clockRate: 8000, channels: 1 })

const rtp = { maxPayload: 1188 }
const whep: Accept[] = [
  { kind: 'video', codec: 'h264', form: 'rtp', rtp, reordered: false },
  { kind: 'video', codec: 'vp8', form: 'rtp', rtp },
  { kind: 'audio', codec: 'opus', form: 'rtp', rtp },
]
const rtmp: Accept[] = [
  { kind: 'video', codec: 'h264', form: 'frame' },
  { kind: 'audio', codec: 'aac', form: 'frame' },
]
const unsure: Accept[] = [...rtmp, { kind: 'video', codec: 'vp8', form: 'frame', doubtful: true }]
const sip: Accept[] = [{ kind: 'audio', codec: 'pcmu', form: 'rtp', rtp: { maxPayload: 160 } }]

const policy = (
  cost: NegotiatePolicy['cost'],
  bFrames: NegotiatePolicy['bFrames'] = 'transcode',
  unavailable?: string,
): NegotiatePolicy => ({ cost, bFrames, unavailable })
const lockResolution = { width: 640, height: 360 }
const audioOnly = policy((from, to) => (to.kind === 'audio' && from.kind === 'audio' ? 1 : undefined))
const all = policy(() => 1000)
const none = policy(() => undefined)
const off = policy(() => undefined, 'drop', 'transcoding is off')
const dropping = policy(() => undefined, 'drop')
const rejecting = policy(() => undefined, 'reject')

const ops = (tracks: TrackInfo[], accepts: Accept[], can: NegotiatePolicy): unknown => {
  const plan = negotiate(tracks, accepts, can)
  return plan.ok ? plan.tracks.map(({ steps }) => steps.map(({ op }) => op).join('+')) : plan.code
}

describe('which steps', () => {
  const table: [string, TrackInfo[], Accept[], NegotiatePolicy, unknown][] = [
    ['WebRTC → WHEP', [v('rtp'), opus], whep, audioOnly, ['copy', 'copy']],
    ['RTMP → WHEP', [v('frame'), aac], whep, audioOnly, ['packetise', 'transcode+packetise']],
    ['RTMP → RTMP', [v('frame'), aac], rtmp, audioOnly, ['copy', 'copy']],
    ['WebRTC → RTMP', [v('rtp'), opus], rtmp, audioOnly, ['depacketise', 'depacketise+transcode']],
    ['WebRTC → SIP', [v('rtp'), opus], sip, audioOnly, ['depacketise+transcode+packetise']],
    [
      'B-frames → WHEP, only audio transcodes',
      [v('frame', true), aac],
      whep,
      audioOnly,
      ['transcode+packetise'],
    ],
    [
      'B-frames → WHEP, all',
      [v('frame', true), aac],
      whep,
      all,
      ['transcode+packetise', 'transcode+packetise'],
    ],
    ['VP8 → RTMP, no transcoder', [vp8], rtmp, none, 'no-common-codec'],

    ['VP8 → RTMP, transcoding off', [vp8], rtmp, off, 'transcode-unavailable'],
    ['RTMP → WHEP, transcoding off', [v('frame'), aac], whep, off, ['packetise']],
    ['B-frames, SPS silent → dropped', [v('frame', true)], whep, dropping, ['drop-b-frames+packetise']],
    ['B-frames, depth 0 → dropped', [v('frame', true, 0)], whep, dropping, ['drop-b-frames+packetise']],
    ['B-frames, depth 1 → dropped', [v('frame', true, 1)], whep, dropping, ['drop-b-frames+packetise']],
    ['B-frames, depth 2 → refused', [v('frame', true, 2)], whep, dropping, 'b-frames'],
    ['B-frames, depth 2, sound goes on', [v('frame', true, 2), opus], whep, dropping, ['copy']],
    [
      'B-frames over RTP → dropped',
      [v('rtp', true)],
      whep,
      dropping,
      ['depacketise+drop-b-frames+packetise'],
    ],
    ['B-frames → reject', [v('frame', true)], whep, rejecting, 'b-frames'],
    [
      'B-frames → transcode, off',
      [v('frame', true)],
      whep,
      policy(() => undefined, 'transcode', 'off'),
      'b-frames',
    ],
    [
      'B-frames, another codec can be made',
      [v('frame', true, 2)],
      whep,
      policy(() => 1, 'reject'),
      ['transcode+packetise'],
    ],
    ['B-frames, depth 2 → transcoded', [v('frame', true, 2)], whep, all, ['transcode+packetise']],
    [
      'B-frames, depth 2, dropping, may transcode',
      [v('frame', true, 2)],
      whep,
      policy(() => 1, 'drop'),
      ['transcode+packetise'],
    ],
    [
      'B-frames, depth 1, dropping, may transcode',
      [v('frame', true, 1)],
      whep,
      policy(() => 1, 'drop'),
      ['drop-b-frames+packetise'],
    ],
    [
      'B-frames → reject: another codec is no way round',
      [v('frame', true)],
      whep.map(accept => (accept.kind === 'video' ? { ...accept, reordered: false } : accept)),
      policy(() => 1, 'reject'),
      'b-frames',
    ],
    ['VP8 → RTMP, sound only', [vp8, opus], rtmp, { ...all, transcode: 'audio' }, ['depacketise+transcode']],
    ['VP8 → RTMP, off', [vp8, opus], rtmp, { ...all, transcode: 'off' }, 'transcode-unavailable'],
    ['VP8 → RTMP', [vp8, opus], rtmp, all, ['depacketise+transcode', 'depacketise+transcode']],
    ['VP8 → unsure whether VP8, all', [vp8], unsure, all, ['depacketise+transcode']],
    ['VP8 → unsure whether VP8, off', [vp8], unsure, off, ['depacketise']],
    ['H.264 → RTMP, locked', [v('rtp')], rtmp, { ...all, lockResolution }, ['depacketise+transcode']],
    ['locked, off', [v('rtp')], rtmp, { ...off, lockResolution }, 'transcode-unavailable'],
    ['B-frames → RTMP: fine', [v('frame', true, 3), aac], rtmp, off, ['copy', 'copy']],
    ['B-frames unknown → WHEP', [v('frame', undefined)], whep, rejecting, ['packetise']],
    ['PCMU → SIP', [pcmu], sip, off, ['copy']],
    ['no tracks', [], whep, all, 'no-common-codec'],
    ['no wishes', [v('frame')], [], all, 'no-common-codec'],
    ['audio only → WHEP', [opus], whep, off, ['copy']],
    ['video only → WHEP', [v('rtp')], whep, off, ['copy']],
  ]
  test.each(table)('%s', (_, tracks, accepts, can, want) => {
    expect(ops(tracks, accepts, can)).toEqual(want)
  })
})

describe('which accept and which track', () => {
  test('the cheapest way wins over the order of the accepts', () => {
    const plan = negotiate([vp8], whep, all)
    expect(plan.ok && plan.tracks[0]?.accept.codec).toBe('vp8')
  })

  test('the order of the accepts breaks ties', () => {
    const accepts: Accept[] = [
      { kind: 'audio', codec: 'pcma', form: 'frame' },
      { kind: 'audio', codec: 'aac', form: 'frame' },
    ]
    const plan = negotiate([opus], accepts, audioOnly)
    expect(plan.ok && plan.tracks[0]?.accept.codec).toBe('pcma')
  })

  test('a dearer transcode is not chosen', () => {
    const accepts: Accept[] = [
      { kind: 'audio', codec: 'pcma', form: 'frame' },
      { kind: 'audio', codec: 'aac', form: 'frame' },
    ]
    const plan = negotiate(
      [opus],
      accepts,
      policy((_, to) => (to.codec === 'pcma' ? 6 : 1)),
    )
    expect(plan.ok && plan.tracks[0]?.accept.codec).toBe('aac')
  })

  test('the H.264 profile that the source has is preferred, another is taken rather than transcoded', () => {
    const accepts: Accept[] = [
      { kind: 'video', codec: 'h264', form: 'rtp', rtp, profileLevelId: '640c1f' },
      { kind: 'video', codec: 'h264', form: 'rtp', rtp, profileLevelId: '42e01f' },
    ]
    const plan = negotiate([v('rtp')], accepts, all)
    expect(plan.ok && plan.tracks[0]?.accept.profileLevelId).toBe('42e01f')
    expect(ops([v('rtp')], accepts.slice(0, 1), all)).toEqual(['copy'])
  })

  test('other channels or sample rate is another format, except for Opus', () => {
    const mono: Accept[] = [{ kind: 'audio', codec: 'aac', form: 'frame', channels: 1 }]
    const rate: Accept[] = [{ kind: 'audio', codec: 'aac', form: 'frame', sampleRate: 48_000 }]
    expect(ops([aac], mono, audioOnly)).toEqual(['transcode'])
    expect(ops([aac], rate, audioOnly)).toEqual(['transcode'])
    expect(ops([aac], [{ ...rate[0]!, sampleRate: 44_100, channels: 2 }], audioOnly)).toEqual(['copy'])
    const monoOpus = track('audio', 'rtp', { ...opusParams, channels: 1 })
    expect(ops([monoOpus], [{ kind: 'audio', codec: 'opus', form: 'rtp', channels: 2 }], audioOnly)).toEqual([
      'copy',
    ])
  })

  test('one track per kind: the first, and the others by name', () => {
    const second = track('video-1', 'frame', { ...h264, size: { width: 640, height: 360 } })
    const plan = negotiate([v('frame'), second, aac], rtmp, off)
    expect(plan.ok && plan.tracks.map(({ source }) => source)).toEqual(['video', 'audio'])
    expect(plan.skipped).toEqual([
      {
        source: 'video-1',
        reason: 'video h264 640x360 (video-1): the viewer takes one video track and gets video',
      },
    ])
  })

  test('the second track is taken where the first cannot be', () => {
    const second = track('audio-1', 'rtp', opusParams)
    const plan = negotiate([aac, second], whep, off)
    expect(plan.ok && plan.tracks.map(({ source }) => source)).toEqual(['audio-1'])
    expect(plan.skipped.map(({ source }) => source)).toEqual(['audio'])
  })

  test("derived tracks are nobody's source", () => {
    const derived = track('audio:opus', 'frame', opusParams, { derivedFrom: 'audio' })
    expect(ops([aac, derived], whep, off)).toBe('transcode-unavailable')
  })
})

describe('packets that do not fit', () => {
  const source = (maxPayload: number, mode?: 0 | 1): TrackInfo =>
    track('video', 'rtp', h264, {
      rtp: { maxPayload, ...(mode !== undefined && { h264PacketizationMode: mode }) },
    })
  const wish = (maxPayload: number, mode?: 0 | 1): Accept[] => [
    {
      kind: 'video',
      codec: 'h264',
      form: 'rtp',
      rtp: { maxPayload, ...(mode !== undefined && { h264PacketizationMode: mode }) },
    },
  ]
  const table: [string, TrackInfo, Accept[], string][] = [
    ['smaller', source(1000), wish(1188), 'copy'],
    ['equal', source(1188), wish(1188), 'copy'],
    ['larger', source(1400), wish(1188), 'repacketise'],
    ['unknown', v('rtp'), wish(100), 'copy'],
    ['mode 1 towards mode 0', source(1188, 1), wish(1188, 0), 'repacketise'],
    ['mode unsaid towards mode 0', source(1188), wish(1188, 0), 'repacketise'],
    ['mode 0 towards mode 0', source(1188, 0), wish(1188, 0), 'copy'],
    ['mode 0 towards mode 1', source(1188, 0), wish(1188, 1), 'copy'],
  ]
  test.each(table)('%s', (_, from, accepts, want) => {
    expect(ops([from], accepts, none)).toEqual([want])
    expect(fitsProfile(from, accepts[0]!.rtp!)).toBe(want === 'copy')
  })
})

describe('in words', () => {
  const reasons = (tracks: TrackInfo[], accepts: Accept[], can: NegotiatePolicy): string[] =>
    negotiate(tracks, accepts, can).skipped.map(({ reason }) => reason)

  test.each<[string, TrackInfo[], Accept[], NegotiatePolicy, string]>([
    ['off', [v('frame'), aac], whep, off, 'audio aac 44100 → viewer accepts opus: transcoding is off'],
    [
      'no transcoder',
      [vp8],
      rtmp,
      none,
      'video vp8 640x360 → viewer accepts h264: no transcoder makes h264 of vp8',
    ],
    ['no such kind', [v('frame'), aac], sip, off, 'video h264 1280x720 → viewer takes no video'],
    [
      'B-pyramid',
      [v('frame', true, 2)],
      whep,
      dropping,
      'video h264 1280x720 → viewer shows no B-frames: its B-frames are 2 deep and refer to each other: dropping breaks the picture, no transcoder makes h264 of h264',
    ],
    [
      'only sound',
      [vp8],
      rtmp,
      { ...all, transcode: 'audio' },
      'video vp8 640x360 → viewer accepts h264: only sound may be transcoded',
    ],
    [
      'locked',
      [v('rtp')],
      rtmp,
      { ...off, lockResolution },
      'video h264 1280x720 → viewer accepts h264 640x360: transcoding is off',
    ],
    [
      'rejected',
      [v('frame', true)],
      whep,
      rejecting,
      'video h264 1280x720 → viewer shows no B-frames: it has B-frames, which are refused',
    ],
  ])('%s', (_, tracks, accepts, can, want) => {
    expect(reasons(tracks, accepts, can)).toContain(want)
  })

  test('one line per track', () => {
    expect(describePlan(negotiate([v('frame'), aac], whep, audioOnly))).toEqual([
      'video h264 1280x720: packetise',
      'audio aac 44100 → opus: transcode + packetise',
    ])
    expect(describePlan(negotiate([v('frame'), aac], whep, off))).toEqual([
      'video h264 1280x720: packetise',
      'audio aac 44100 → viewer accepts opus: transcoding is off (left out)',
    ])
  })

  test('a refusal names both sides', () => {
    const plan = negotiate([vp8], rtmp, none)
    expect(plan).toMatchObject({ ok: false, offered: ['video:vp8'], wanted: ['video:h264', 'audio:aac'] })
    expect(plan.ok || describeRefusal(plan)).toBe(
      'video vp8 640x360 → viewer accepts h264: no transcoder makes h264 of vp8',
    )
    const empty = negotiate([], whep, none)
    expect(empty.ok || describeRefusal(empty)).toBe(
      'offered nothing, wanted video:h264, video:vp8, audio:opus',
    )
  })

  test('a plan survives JSON', () => {
    const plan = negotiate([v('frame', true), aac], whep, { ...audioOnly, bFrames: 'drop' })
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
  })

  test('it is pure: the same in, the same out, nothing touched', () => {
    const tracks = Object.freeze([Object.freeze(v('frame')), Object.freeze(aac)]) as unknown as TrackInfo[]
    const accepts = Object.freeze(whep.map(accept => Object.freeze(accept))) as unknown as Accept[]
    expect(negotiate(tracks, accepts, audioOnly)).toEqual(negotiate(tracks, accepts, audioOnly))
  })
})
