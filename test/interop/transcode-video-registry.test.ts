/** Pictures through a real registry: who shares an encoder, who may have one, and what is said to those who may not. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { describePlan } from '../../src/core/describe.ts'
import { createRegistry } from '../../src/core/registry.ts'
import type { Accept, MediaPolicy, Registry, TrackWriter } from '../../src/core/types.ts'
import type { Frame } from '../../src/media/types.ts'
import { createFfmpegTranscoder, type FfmpegTranscoder } from '../../src/transcode/ffmpeg-transcoder.ts'
import { ManualClock } from '../helpers/manual-clock.ts'
import { memoryEgress } from '../helpers/memory-egress.ts'
import { makePicture, type Picture, showPictures } from '../helpers/picture.ts'
import { eventually, ffmpegChildren } from '../helpers/processes.ts'

const rtmp: Accept = { kind: 'video', codec: 'h264', form: 'frame' }
const browser: Accept = { kind: 'video', codec: 'h264', form: 'frame', reordered: false }

let camera: Picture
let pyramid: Picture
beforeAll(async () => {
  const size = { width: 640, height: 360 }
  const encoder = ['-tune', 'film', '-preset', 'veryfast', '-bf', '3', '-x264-params', 'b-pyramid=normal']
  camera = await makePicture({ codec: 'vp8', size, seconds: 6 })
  pyramid = await makePicture({ codec: 'h264', size, seconds: 4, gop: 60, encoder, depth: 2 })
})

const open: AsyncDisposable[] = []
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing[Symbol.asyncDispose]()
  await eventually(() => ffmpegChildren().length === 0, 3000, 'all children are gone')
})

interface Scene {
  readonly registry: Registry
  readonly transcoder: FfmpegTranscoder
  readonly writer: TrackWriter<'frame'>
  readonly clock: ManualClock
}
interface SceneOptions {
  readonly source?: Picture
  readonly cores?: number
  readonly policy?: MediaPolicy
  readonly policyOf?: (stream: string) => MediaPolicy
}
const scene = async (options: SceneOptions = {}): Promise<Scene> => {
  const { source = camera, cores = 1, policy = {}, policyOf } = options
  const log = { info: () => {}, warn: () => {} }
  const transcoder = await createFfmpegTranscoder({ enabled: true, cores, clock: systemClock, log })
  const clock = new ManualClock()
  const registry = createRegistry({
    ...{ clock, transcoders: [transcoder], freeze: true, policy },
    ...(policyOf !== undefined && { policyOf }),
  })
  open.push(registry)
  const publication = registry.publish('live/cam', { label: 'test', onConflict: 'reject' })
  const writer = publication.addTrack({ id: 'video', native: 'frame', params: source.params })
  publication.ready()
  return { registry, transcoder, writer, clock }
}
/** Frames at the pace at which they come out. */
const pump = async (
  writer: TrackWriter<'frame'>,
  frames: readonly Frame[],
  done: () => boolean,
): Promise<void> => {
  for (const frame of frames) {
    writer.write(frame)
    await new Promise<void>(resolve => void systemClock.after(4000, () => resolve()))
    if (done()) return
  }
  await eventually(done, 8000, 'pictures come out')
}

test('VP8 to two RTMP readers: one ffmpeg, the same frames; 5 s after the last has left there is none', async () => {
  const { registry, transcoder, writer, clock } = await scene()
  const [first, second] = [memoryEgress({ accepts: [rtmp] }), memoryEgress({ accepts: [rtmp] })]
  const subscription = await registry.subscribe('live/cam', first, { start: 'last-gop' })
  const other = await registry.subscribe('live/cam', second, { start: 'last-gop' })
  expect(describePlan(subscription.plan)).toEqual(['video vp8 640x360 → h264: transcode'])
  await pump(writer, camera.frames, () => first.frames.length > 40 && second.frames.length > 40)
  expect(ffmpegChildren()).toHaveLength(1)
  expect(transcoder.running()).toMatchObject([{ from: 'vp8 640x360', cores: expect.closeTo(0.19, 2) }])
  expect(transcoder.budget).toMatchObject({ cores: 1, used: expect.closeTo(0.19, 2) })
  expect(second.frames[40]).toBe(first.frames[40])
  const { frames } = first
  expect(await showPictures(frames)).toHaveLength(frames.length)
  expect(registry.find('live/cam')!.tracks).toMatchObject([
    { id: 'video', params: { codec: 'vp8' } },
    { id: 'video:h264', derivedFrom: 'video', params: { codec: 'h264', size: { width: 640 } } },
  ])

  await subscription.close({ code: 'subscriber-left' })
  await other.close({ code: 'subscriber-left' })
  clock.advance(4_900_000)
  expect(ffmpegChildren()).toHaveLength(1)
  clock.advance(200_000)
  await eventually(() => ffmpegChildren().length === 0, 3000, 'ffmpeg leaves')
  await eventually(() => transcoder.budget.used === 0, 3000, 'its share is given back')
})

test('a B-frame pyramid to a browser: transcoded, strictly rising', async () => {
  const { registry, writer } = await scene({ source: pyramid })
  const viewer = memoryEgress({ accepts: [browser] })
  const { plan } = await registry.subscribe('live/cam', viewer, { start: 'live' })
  expect(describePlan(plan)).toEqual(['video h264 640x360 → h264: transcode'])
  await pump(writer, pyramid.frames, () => viewer.frames.length >= 110)
  const { frames } = viewer
  const times = frames.map(({ pts }) => pts)
  expect(times.every((pts, i) => i === 0 || pts > times[i - 1]!)).toBe(true)
  const rate = ((times.length - 1) * 90_000) / (times.at(-1)! - times[0]!)
  expect(Math.abs(rate - 30) / 30).toBeLessThan(0.02)
  expect(await showPictures(frames)).toHaveLength(times.length)
})

describe('the budget', () => {
  test('a job beyond it is refused with 503 and the numbers; the one that runs goes on', async () => {
    const { registry, transcoder, writer } = await scene({ cores: 0.3 })
    const reader = memoryEgress({ accepts: [rtmp] })
    await registry.subscribe('live/cam', reader, { start: 'live' })
    const refused = await registry
      .subscribe('live/cam', memoryEgress({ accepts: [browser] }), { start: 'live' })
      .catch(error => error)
    expect(refused).toMatchObject({ code: 'transcode-unavailable', status: 503 })
    expect(refused.detail).toBe(
      'video vp8 640x360 → h264: ffmpeg did not start: it needs 0.19 of a core, 0.11 of 0.30 left (transcode.cores)',
    )
    await pump(writer, camera.frames, () => reader.frames.length > 20)
    expect(transcoder.running()).toHaveLength(1)
    expect(reader.reason).toBeUndefined()
  })

  test('a reader that can have sound has it, and is told why there is no picture', async () => {
    const { registry } = await scene({ cores: 0.1 })
    const publication = registry.publish('live/both', { label: 'test', onConflict: 'reject' })
    publication.addTrack({ id: 'video', native: 'frame', params: camera.params })
    const params = { codec: 'pcma', kind: 'audio', clockRate: 8000, channels: 1 } as const
    publication.addTrack({ id: 'audio', native: 'frame', params })
    publication.ready()
    const reader = memoryEgress({ accepts: [rtmp, { kind: 'audio', codec: 'pcma', form: 'frame' }] })
    const { plan } = await registry.subscribe('live/both', reader, { start: 'live' })
    expect(describePlan(plan)).toEqual([
      'audio pcma 8000: copy',
      expect.stringMatching(
        /^video vp8 640x360 → h264: .* it needs 0\.19 of a core, 0\.10 of 0\.10 left .*\(left out\)$/,
      ),
    ])
  })
})

describe('what is allowed', () => {
  const refusalOf = async ({ registry }: Scene, policy?: MediaPolicy): Promise<string> => {
    const options = { start: 'live', ...(policy !== undefined && { policy }) } as const
    const subscribed = registry.subscribe('live/cam', memoryEgress({ accepts: [browser] }), options)
    return subscribed.then(
      () => 'none',
      error => `${error.code}: ${error.detail}`,
    )
  }

  test('for the gateway, for a stream, for a reader: the nearest wins', async () => {
    const off = await scene({ policy: { transcode: 'off' } })
    expect(await refusalOf(off)).toMatch(
      /^transcode-unavailable: video vp8 640x360 → .*: transcoding is off$/,
    )
    expect(await refusalOf(off, { transcode: 'when-needed' })).toBe('none')
    const stream = await scene({ policyOf: name => (name === 'live/cam' ? { transcode: 'audio' } : {}) })
    expect(await refusalOf(stream)).toMatch(/only sound may be transcoded$/)
    expect(await refusalOf(stream, { transcode: 'when-needed' })).toBe('none')
    expect(await refusalOf(await scene(), { transcode: 'off' })).toMatch(/transcoding is off$/)
  })

  test('B-frames are refused where they are to be', async () => {
    const strict = await scene({ source: pyramid, policy: { bFrames: 'reject' } })
    expect(await refusalOf(strict)).toBe(
      'b-frames: video h264 640x360 → viewer shows no B-frames: it has B-frames, which are refused',
    )
    expect(await refusalOf(strict, { bFrames: 'transcode' })).toBe('none')
  })

  test('a reader with a lock has its own size, beside one without', async () => {
    const { registry, writer } = await scene()
    const [locked, plain] = [memoryEgress({ accepts: [rtmp] }), memoryEgress({ accepts: [rtmp] })]
    const policy = { lockResolution: { width: 320, height: 180 } }
    await registry.subscribe('live/cam', locked, { start: 'live', policy })
    await registry.subscribe('live/cam', plain, { start: 'live' })
    await pump(writer, camera.frames, () => locked.frames.length > 10 && plain.frames.length > 10)
    expect((await showPictures(locked.frames))[0]!.size).toEqual(policy.lockResolution)
    expect((await showPictures(plain.frames))[0]!.size).toEqual({ width: 640, height: 360 })
    expect(ffmpegChildren()).toHaveLength(2)
  })
})
