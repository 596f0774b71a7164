import { describe, expect, test } from 'vitest'
import { negotiate } from '../../../src/core/negotiate.ts'
import type { NegotiatePolicy, TrackInfo, TrackStats } from '../../../src/core/types.ts'
import { acceptsFlv } from '../../../src/flv-session/egress.ts'
import { buildAudioSpecificConfig, createAacParams } from '../../../src/media/aac/config.ts'
import type { CodecParameters } from '../../../src/media/types.ts'
import { type Check, describeCheck, preflight } from '../../../src/restream/preflight.ts'
import { profileAccepts } from '../../../src/restream/profiled-egress.ts'
import { findProfile } from '../../../src/restream/profiles.ts'
import { aac, h264, opus, vp8 } from '../../helpers/core-media.ts'

const youtube = findProfile('youtube')!
const nothing = { keyframeMs: undefined, videoKbps: undefined, audioKbps: undefined, fps: undefined }
const track = (params: CodecParameters, more: Partial<TrackInfo> = {}): TrackInfo => ({
  id: params.kind,
  kind: params.kind,
  native: 'frame',
  params,
  keyframeOnRequest: false,
  ...more,
})
const policy = (more: Partial<NegotiatePolicy> = {}): NegotiatePolicy => ({
  cost: (from, to) =>
    more.unavailable === undefined && from.kind === 'audio' && to.codec === 'aac' ? 1 : undefined,
  unavailable: undefined,
  transcode: 'when-needed',
  bFrames: 'drop',
  ...more,
})
const checksOf = (
  tracks: readonly TrackInfo[],
  measured: Partial<typeof nothing> | object = {},
  more: Partial<NegotiatePolicy> = {},
): Record<string, Check> => {
  const rules = policy(more)
  const accepts = profileAccepts(
    acceptsFlv(tracks, { fourCcs: ['*'] }),
    youtube,
    rules.unavailable === undefined,
  )
  const plan = negotiate(tracks, accepts, rules)
  const checks = preflight({ profile: youtube, tracks, plan, measured: { ...nothing, ...measured } })
  return Object.fromEntries(checks.map(check => [check.check, check]))
}

describe('sound', () => {
  test.each<[string, readonly TrackInfo[], boolean, string | null]>([
    ['none', [track(h264)], false, 'silence is inserted'],
    ['aac 44100', [track(h264), track(aac)], true, null],
    ['opus', [track(h264), track(opus)], false, 'transcoded to aac'],
    [
      'aac 32000',
      [track(h264), track(createAacParams(buildAudioSpecificConfig(32_000, 2)))],
      false,
      'transcoded to aac',
    ],
  ])('%s', (_name, tracks, ok, repair) => {
    expect(checksOf(tracks).audio).toMatchObject({ ok, repair })
  })
  test('what cannot be transcoded is left out, and silence is there instead', () => {
    const { audio } = checksOf([track(h264), track(opus)], {}, { unavailable: 'ffmpeg is missing' })
    expect(audio).toMatchObject({ ok: false, repair: 'silence is inserted' })
  })
  test('an odd rate is better than silence where nothing can be transcoded', () => {
    const odd = track(createAacParams(buildAudioSpecificConfig(32_000, 2)))
    const { audio } = checksOf([track(h264), odd], {}, { unavailable: 'ffmpeg is missing' })
    expect(audio).toMatchObject({ ok: false, repair: null })
  })
})

describe('picture', () => {
  test('another codec that is not transcoded is a problem with its name', () => {
    expect(checksOf([track(vp8), track(aac)]).video).toMatchObject({
      ok: false,
      measured: 'vp8',
      repair: null,
    })
  })
  test.each([
    ['42e01f', true, 'baseline 3.1'],
    ['640033', true, 'high 5.1'],
    ['64003e', false, 'high 6.2'],
    ['f4001f', false, 'high 4:4:4 3.1'],
  ])('profile-level-id %s', (profileLevelId, ok, measured) => {
    expect(checksOf([track({ ...h264, profileLevelId }), track(aac)])['h264-profile']).toMatchObject({
      ok,
      measured,
    })
  })
  test.each<[number | undefined, boolean, boolean | null, string, string | null]>([
    [1000, false, true, 'every 1.0 s', null],
    [2100, false, true, 'every 2.1 s', null],
    [4000, false, false, 'every 4.0 s', null],
    [4000, true, false, 'every 4.0 s', 'the source is asked for them'],
    [undefined, false, null, 'not measured yet', null],
  ])('key frames every %s ms, to be asked: %s', (keyframeMs, keyframeOnRequest, ok, measured, repair) => {
    const tracks = [track(h264, { keyframeOnRequest }), track(aac)]
    expect(checksOf(tracks, { keyframeMs }).keyframes).toMatchObject({ ok, measured, repair })
  })
  test.each<[number, number, number, boolean]>([
    [1080, 30, 6000, true],
    [1080, 30, 11_000, false],
    [1080, 60, 11_000, true],
    [720, 30, 900, false],
  ])('%ip%i at %i kbit/s', (height, fps, videoKbps, ok) => {
    const size = { width: (height * 16) / 9, height }
    const { bitrate } = checksOf([track({ ...h264, size }), track(aac)], { videoKbps, fps })
    expect(bitrate!.ok).toBe(ok)
    expect(bitrate!.measured).toBe(`${videoKbps} kbit/s`)
    expect(bitrate!.wanted).toContain(`for ${height}p${fps}`)
  })
  test('before anything went out, what the source says counts', () => {
    const stats = { bitsPerSecond: 2_500_000, framesPerSecond: 30, keyframeIntervalMs: 5000 } as TrackStats
    const checks = checksOf([track(h264, { stats }), track(aac)])
    expect(checks.bitrate!.measured).toBe('2500 kbit/s')
    expect(checks.keyframes).toMatchObject({ ok: false, measured: 'every 5.0 s' })
  })
})

test('in words', () => {
  const { audio, keyframes } = checksOf([track(h264)], { keyframeMs: 4000 })
  expect(describeCheck(audio!)).toBe(
    'repaired  audio: none, wanted aac at 48000 or 44100 Hz; silence is inserted',
  )
  expect(describeCheck(keyframes!)).toBe('PROBLEM  keyframes: every 4.0 s, wanted every 2 s or less')
})
