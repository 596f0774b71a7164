/**
 * Pictures through ffmpeg: every one of them, at its own time, in its own size, from any codec.
 * Runs alone: encoders take both processors.
 */
import { afterEach, describe, expect, test } from 'vitest'
import type { Accept } from '../../src/core/types.ts'
import type { Frame, PictureSize, VideoCodec } from '../../src/media/types.ts'
import { makePicture, type Shown, showPictures } from '../helpers/picture.ts'
import { eventually, isGone } from '../helpers/processes.ts'
import { type Bench, type BenchOptions, openBench } from '../helpers/transcode-bench.ts'

const small: PictureSize = { width: 640, height: 360 }
const large: PictureSize = { width: 1280, height: 720 }
const browser: Accept = { kind: 'video', codec: 'h264', form: 'rtp', reordered: false }
const rtmp: Accept = { kind: 'video', codec: 'h264', form: 'frame' }
const vp8: Accept = { kind: 'video', codec: 'vp8', form: 'rtp', reordered: false }

/** Pictures that a decoder keeps back to put them in order. */
const MOST_HELD = 2

const benches: Bench[] = []
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench[Symbol.asyncDispose]()
})
const open = (options: BenchOptions): Bench => {
  const bench = openBench(options)
  benches.push(bench)
  return bench
}
/** Feeds all and ends the job, which hands on what is still inside. */
const transcode = async (options: BenchOptions, frames: readonly Frame[]): Promise<Bench> => {
  const bench = open(options)
  await bench.feed(frames)
  await bench.until(() => bench.frames.length >= frames.length - MOST_HELD)
  await bench.job.close()
  return bench
}
const timesOf = (frames: readonly (Frame | Shown)[]): number[] => frames.map(({ pts }) => pts)
const sorted = (times: readonly number[]): number[] => times.toSorted((a, b) => a - b)
const keysOf = (frames: readonly Frame[]): number[] => timesOf(frames.filter(({ key }) => key))

describe('every codec', () => {
  const codecs: readonly VideoCodec[] = ['vp8', 'vp9', 'av1', 'h265', 'h264']
  test.for(codecs)('%s → H.264: each picture once, at its own time', async codec => {
    const { params, frames } = await makePicture({
      ...{ codec, size: small, seconds: 3, depth: codec === 'h265' ? 2 : 0, from: 7_000_003 },
    })
    const bench = await transcode({ params, to: browser }, frames)
    expect(timesOf(bench.frames)).toEqual(sorted(timesOf(frames)))
    expect(bench.job.stats).toMatchObject({ packetsIn: 90, packetsOut: 90, dropped: {}, restarts: 0 })
    expect(bench.params).toMatchObject([{ codec: 'h264', size: small, reordered: false }])
    expect(bench.params[0]).toMatchObject({ profileLevelId: expect.stringMatching(/^42c0/) })
    const shown = await showPictures(bench.frames)
    expect(timesOf(shown)).toEqual(timesOf(bench.frames))
    expect(shown.every(({ size }) => size.width === 640 && size.height === 360)).toBe(true)
    expect(shown.some(({ type }) => type === 'B')).toBe(false)
  })

  test('H.264 → VP8', async () => {
    const { params, frames } = await makePicture({ codec: 'h264', size: small, seconds: 3 })
    const bench = await transcode({ params, to: vp8 }, frames)
    expect(timesOf(bench.frames)).toEqual(timesOf(frames))
    expect(bench.params).toMatchObject([{ codec: 'vp8', size: small }])
    expect(timesOf(await showPictures(bench.frames))).toEqual(timesOf(frames))
  })

  test('for RTMP it is high profile, without B-frames all the same', async () => {
    const { params, frames } = await makePicture({ codec: 'vp8', size: small, seconds: 1 })
    const bench = await transcode({ params, to: rtmp }, frames)
    expect(bench.params[0]).toMatchObject({
      profileLevelId: expect.stringMatching(/^6400/),
      reordered: false,
    })
    expect(bench.job.stats.to).toBe('h264 640x360 high 691 kbit/s')
  })

  test('odd sizes are made even', async () => {
    const { params, frames } = await makePicture({
      codec: 'vp8',
      size: { width: 427, height: 241 },
      seconds: 1,
    })
    const bench = await transcode({ params, to: browser }, frames)
    expect(bench.params).toMatchObject([{ size: { width: 426, height: 240 } }])
    expect(await showPictures(bench.frames)).toHaveLength(30)
  })
})

describe('B-frames', () => {
  test('a pyramid of them becomes baseline: times strictly rise, no picture is missing', async () => {
    const encoder = ['-tune', 'film', '-preset', 'veryfast', '-bf', '3', '-x264-params', 'b-pyramid=normal']
    const made = { codec: 'h264', size: small, seconds: 4, gop: 60, encoder, depth: 2 } as const
    const { params, frames } = await makePicture(made)
    expect(params).toMatchObject({ reordered: true, maxReorder: 2 })
    expect(timesOf(frames)).not.toEqual(sorted(timesOf(frames)))
    const bench = await transcode({ params, to: browser }, frames)
    const times = timesOf(bench.frames)
    expect(times).toEqual(sorted(timesOf(frames)))
    expect(new Set(times).size).toBe(times.length)
    const rate = ((times.length - 1) * 90_000) / (times.at(-1)! - times[0]!)
    expect(Math.abs(rate - 30) / 30).toBeLessThan(0.02)
    expect(bench.frames.every(({ pts, dts }) => pts === dts)).toBe(true)
    const shown = await showPictures(bench.frames)
    expect(timesOf(shown)).toEqual(times)
    expect(shown.some(({ type }) => type === 'B')).toBe(false)
  })
})

describe('another size in mid-stream', () => {
  const switching = async (codec: VideoCodec): Promise<readonly Frame[]> => {
    const parts = await Promise.all(
      [small, large, small].map((size, i) => makePicture({ codec, size, seconds: 2, from: i * 180_000 })),
    )
    return parts.flatMap(({ frames }) => frames)
  }
  const codecs: readonly VideoCodec[] = ['vp8', 'h264']

  test.for(codecs)('%s: passed on, no picture lost', async codec => {
    const frames = await switching(codec)
    const bench = await transcode({ params: frames[0]!.params, to: rtmp }, frames)
    expect(timesOf(bench.frames)).toEqual(timesOf(frames))
    expect(bench.params).toMatchObject([{ size: small }, { size: large }, { size: small }])
    const shown = await showPictures(bench.frames)
    expect(shown.map(({ size }) => size.width)).toEqual(
      [640, 1280, 640].flatMap(width => Array.from({ length: 60 }, () => width)),
    )
    expect(bench.log.map(({ message }) => message)).toContain(
      'transcode begun anew: the source is now 1280x720',
    )
  })

  test.for(codecs)('%s: scaled to a lock by one ffmpeg, one parameter set', async codec => {
    const frames = await switching(codec)
    const bench = await transcode({ params: frames[0]!.params, to: { ...rtmp, size: large } }, frames)
    expect(timesOf(bench.frames)).toEqual(timesOf(frames))
    expect(bench.params).toMatchObject([{ size: large }])
    expect(new Set(bench.frames.map(({ params }) => params)).size).toBe(1)
    const shown = await showPictures(bench.frames)
    expect(shown).toHaveLength(180)
    expect(shown.every(({ size }) => size.width === 1280 && size.height === 720)).toBe(true)
    expect(bench.log.filter(({ message }) => /started|begun/.test(message))).toHaveLength(1)
  })

  test('another shape gets borders: a lock never stretches', async () => {
    const square = await makePicture({ codec: 'vp8', size: { width: 360, height: 360 }, seconds: 1 })
    const bench = await transcode({ params: square.params, to: { ...rtmp, size: large } }, square.frames)
    expect(bench.job.stats.to).toContain('1280x720')
    expect((await showPictures(bench.frames))[0]!.size).toEqual(large)
  })
})

describe('key frames', () => {
  test('every 2 s, by time and not by frames', async () => {
    const { params, frames } = await makePicture({
      codec: 'vp8',
      size: small,
      seconds: 7,
      rate: 12,
      gop: 999,
    })
    const bench = await transcode({ params, to: rtmp }, frames)
    expect(keysOf(bench.frames)).toEqual([0, 180_000, 360_000, 540_000])
  })

  test('at once when asked for; the times stay exact', async () => {
    const { params, frames } = await makePicture({ codec: 'vp8', size: small, seconds: 3, gop: 999 })
    const bench = open({ params, to: browser })
    bench.job.requestKeyframe?.()
    await bench.feed(frames.slice(0, 20))
    bench.job.requestKeyframe?.()
    await bench.feed(frames.slice(20, 50))
    bench.job.requestKeyframe?.()
    await bench.feed(frames.slice(50))
    await bench.job.close()
    expect(timesOf(bench.frames)).toEqual(timesOf(frames))
    const asked = [0, 20, 50].map(i => frames[i]!.pts)
    expect(keysOf(bench.frames).slice(0, 3)).toEqual(asked)
    expect(await showPictures(bench.frames)).toHaveLength(90)
  })

  test('begins at the live edge in the middle of a long group: the past is decoded, not encoded', async () => {
    const { params, frames } = await makePicture({ codec: 'h264', size: small, seconds: 4, gop: 999 })
    const bench = open({ params, to: browser, before: frames.slice(0, 100) })
    for (const frame of frames.slice(100)) bench.write(frame)
    await bench.until(() => bench.frames.length === 21)
    await bench.job.close()
    expect(timesOf(bench.frames)).toEqual(timesOf(frames.slice(99)))
    expect(bench.frames[0]!.key).toBe(true)
    expect(await showPictures(bench.frames)).toHaveLength(21)
  })
})

describe('damage', () => {
  test('after a hole nothing goes in until a key frame, which is asked for', async () => {
    const { params, frames } = await makePicture({ codec: 'vp8', size: small, seconds: 3, gop: 30 })
    const holed = frames.flatMap((frame, i) => {
      if (i >= 40 && i < 45) return []
      return i === 45 ? [{ ...frame, discontinuity: true }] : [frame]
    })
    const bench = open({ params, to: browser })
    for (const frame of holed) bench.write(frame)
    await bench.until(() => bench.frames.length === 70)
    await bench.job.close()
    expect(timesOf(bench.frames)).toEqual(timesOf([...frames.slice(0, 40), ...frames.slice(60)]))
    expect(bench.job.stats.dropped).toEqual({ 'waiting-for-key': 15 })
    expect(bench.keyframeRequests).toBeGreaterThan(0)
    expect(await showPictures(bench.frames)).toHaveLength(70)
  })

  test('ffmpeg is killed: another goes on at the next key frame, times never step back', async () => {
    const { params, frames } = await makePicture({ codec: 'vp8', size: small, seconds: 6, gop: 30 })
    const bench = open({ params, to: browser })
    await bench.feed(frames.slice(0, 45))
    await bench.until(() => bench.frames.length > 30)
    const first = bench.job.stats.pid!
    process.kill(first, 'SIGKILL')
    await bench.until(() => bench.job.stats.pid === undefined)
    bench.write(frames[45]!)
    await bench.until(() => bench.job.stats.restarts === 1)
    await bench.feed(frames.slice(46))
    await bench.until(() => bench.frames.at(-1)?.pts === frames.at(-1)!.pts)
    await bench.job.close()
    const times = timesOf(bench.frames)
    expect(times).toEqual(sorted(times))
    expect(times.at(-1)).toBe(frames.at(-1)!.pts)
    expect(bench.frames.find(({ pts }) => pts > frames[45]!.pts)).toMatchObject({ key: true })
    expect(bench.job.stats.dropped).toEqual({ 'waiting-for-key': 15 })
    expect(await showPictures(bench.frames)).toHaveLength(times.length)
    await eventually(() => isGone(first), 3000, 'no orphan')
  })

  test("the source's clock is set back: its pictures go on in a new run", async () => {
    const { params, frames } = await makePicture({ codec: 'vp8', size: small, seconds: 2, from: 9_000_000 })
    const again = frames.map(frame => ({ ...frame, pts: frame.pts - 8_000_000, dts: frame.dts - 8_000_000 }))
    const bench = await transcode({ params, to: browser }, [...frames, ...again])
    expect(timesOf(bench.frames)).toEqual(timesOf([...frames, ...again]))
    expect(bench.log.map(({ message }) => message)).toContain(
      'transcode begun anew: the clock of the source was set',
    )
  })
})

describe('in real time', () => {
  const latencies = ({ heard }: Bench, written: ReadonlyMap<number, number>): number[] =>
    heard.map(({ frame, at }) => (at - written.get(frame.pts)!) / 1000).toSorted((a, b) => a - b)

  test('VP8 → H.264 adds few milliseconds to each picture', async () => {
    const { params, frames } = await makePicture({ codec: 'vp8', size: small, seconds: 4 })
    const bench = open({ params, to: browser })
    const written = new Map<number, number>()
    const start = performance.now()
    for (const frame of frames) {
      await new Promise<void>(resolve => {
        setTimeout(resolve, Math.max(0, start + frame.pts / 90 - performance.now()))
      })
      written.set(frame.pts, performance.now() * 1000)
      bench.write(frame)
    }
    await bench.until(() => bench.frames.length === frames.length)
    const all = latencies(bench, written)
    // What it is on a quiet machine is for the benches; here no group of pictures may be waited for.
    expect(all[Math.floor(all.length / 2)]).toBeLessThan(1000)
  })
})
