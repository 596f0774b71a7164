/** Times of a source: wraps, jumps, steps back, large offsets, drift; by virtual time. */
import { describe, expect, test } from 'vitest'
import { createFlvReader } from '../../../src/media/flv/reader.ts'
import type { FlvTag } from '../../../src/media/flv/types.ts'
import { writeFrame, writeSequenceHeader } from '../../../src/media/flv/writer.ts'
import { createSampleClock } from '../../../src/media/sample-clock.ts'
import type { Frame } from '../../../src/media/types.ts'
import { aacFrames, h264Frames } from '../../helpers/media-fixtures.ts'
import { createRandom } from '../../helpers/random.ts'

const picture = h264Frames('h264-baseline')[0]!
const sound = aacFrames('aac-44100-stereo')[0]!
const RATE = 44_100
const bodies = { video: writeFrame(picture, 0, 0), audio: writeFrame(sound, 0, 0) }
const heads = [
  { type: 9, body: writeSequenceHeader(picture.params, 0)! },
  { type: 8, body: writeSequenceHeader(sound.params, 0)! },
] as const

interface Source {
  /** Media time to what is on the wire, milliseconds. */
  readonly wire?: (ms: number, kind: 'audio' | 'video') => number
  readonly fromMs?: number
  readonly toMs: number
  /** Milliseconds between pictures; fewer pictures make long runs short. */
  readonly everyMs?: number
  /** When it arrives, milliseconds; default: as fast as it plays. */
  readonly arrival?: (ms: number) => number
}

interface Mended {
  readonly video: number[]
  readonly audio: number[]
  readonly damage: Readonly<Record<string, number>>
  /** Largest distance between a picture and the sound that came with it, milliseconds of media time. */
  readonly apartMs: number
}

/** 25 pictures a second and AAC at 44.1 kHz as one live source, through the reader. */
const play = ({ wire = ms => ms, fromMs = 0, toMs, everyMs = 40, arrival = ms => ms }: Source): Mended => {
  const out: { video: number[]; audio: number[] } = { video: [], audio: [] }
  const [shifts, last]: [{ video: number; audio: number }, Frame[]] = [
    { video: Number.NaN, audio: Number.NaN },
    [],
  ]
  let mediaMs = 0
  let apartMs = 0
  const reader = createFlvReader({
    onTrack: () => {},
    onParams: () => {},
    onFrame: (id, frame) => {
      const kind = id as 'audio' | 'video'
      last.push(frame)
      const ms = (frame.dts * 1000) / frame.params.clockRate
      out[kind].push(ms)
      shifts[kind] = ms - mediaMs
      const apart = Math.abs(shifts.video - shifts.audio)
      if (apart > apartMs) apartMs = apart
    },
    onMetadata: () => {},
    onDamage: () => {},
  })
  for (const { type, body } of heads) reader.push({ type, body, timestampMs: 0 }, 0)
  const send = (kind: 'audio' | 'video', ms: number): void => {
    mediaMs = ms
    const tag: FlvTag = {
      type: kind === 'video' ? 9 : 8,
      timestampMs: Math.floor(wire(ms, kind)) >>> 0,
      body: bodies[kind],
    }
    reader.push(tag, arrival(ms - fromMs) * 1000)
  }
  let samples = 0
  for (let at = fromMs; at < toMs; at += everyMs) {
    send('video', at)
    const soundMs = (): number => fromMs + (samples * 1000) / RATE
    for (; soundMs() < at + everyMs; samples += 1024) send('audio', soundMs())
  }
  return { ...out, damage: reader.damage, apartMs }
}

const steps = (times: readonly number[]): number[] => times.slice(1).map((ms, i) => ms - times[i]!)
const smooth = ({ video, audio }: Mended, maxMs = 41): void => {
  expect(Math.min(...steps(video))).toBeGreaterThanOrEqual(0)
  expect(Math.max(...steps(video))).toBeLessThanOrEqual(maxMs)
  expect(Math.min(...steps(audio))).toBeGreaterThanOrEqual(0)
  expect(Math.max(...steps(audio))).toBeLessThanOrEqual(maxMs)
}

describe('wraps', () => {
  test.each([
    ['2^24 ms', 2 ** 24],
    ['2^31 ms', 2 ** 31],
    ['2^32 ms', 2 ** 32],
    ['2^33 ms, seen by one who was there all the time', 2 ** 33],
  ])('%s', (_name, wrap) => {
    const mended = play({ fromMs: wrap - 2000, toMs: wrap + 2000 })
    smooth(mended)
    expect(mended.damage).toEqual({})
    expect(mended.apartMs).toBeLessThan(2)
  })

  test('a source that starts below zero', () => {
    const mended = play({ fromMs: -500, toMs: 2000 })
    smooth(mended)
    expect(mended.video[0]).toBe(-500)
  })

  test('a source that wraps at 24 bits', () => {
    const mended = play({ fromMs: 2 ** 24 - 1000, toMs: 2 ** 24 + 1000, wire: ms => ms % 2 ** 24 })
    smooth(mended)
    expect(mended.damage).toEqual({ 'timestamps stepped back': 1 })
    expect(mended.apartMs).toBeLessThan(40)
  })
})

describe('offsets and jumps', () => {
  test('17 000 s behind sequence headers at 0', () => {
    const mended = play({ fromMs: 17_000_000, toMs: 17_003_000 })
    smooth(mended)
    expect(mended.damage).toEqual({})
    expect(mended.video[0]).toBe(17_000_000)
  })

  test.each([
    ['ahead by two hours', 7_200_000, 'timestamps jumped ahead'],
    ['ahead by 17 000 s', 17_000_000, 'timestamps jumped ahead'],
    ['back by 5 s', -5_000, 'timestamps stepped back'],
    ['back to the beginning', -30_000, 'timestamps stepped back'],
  ])('%s: both tracks go on together', (_name, by, cause) => {
    const wire = (ms: number): number => (ms < 33_000 ? ms : ms + by)
    const mended = play({ fromMs: 30_000, toMs: 36_000, wire })
    smooth(mended)
    expect(mended.damage).toEqual({ [cause]: 1 })
    expect(mended.apartMs).toBeLessThan(40)
  })

  test('the tracks jump 200 ms apart from each other in arrival', () => {
    const wire = (ms: number, kind: 'audio' | 'video'): number =>
      ms < (kind === 'audio' ? 3_000 : 3_200) ? ms : ms + 3_600_000
    const mended = play({ toMs: 6_000, wire })
    expect(mended.damage).toEqual({ 'timestamps jumped ahead': 1 })
    expect(Math.min(...steps(mended.video), ...steps(mended.audio))).toBeGreaterThanOrEqual(0)
    const [video, audio] = [mended.video.at(-1)!, mended.audio.at(-1)!]
    expect(Math.abs(video - audio)).toBeLessThan(41)
  })

  test('there and back again, ten times', () => {
    const wire = (ms: number): number => ms + (Math.floor(ms / 1000) % 2) * 1_000_000
    const mended = play({ toMs: 20_000, wire })
    smooth(mended)
    expect(mended.apartMs).toBeLessThan(40)
  })

  test('a pause in real time is a pause', () => {
    const paused = (ms: number): number => (ms < 1_000 ? ms : ms + 30_000)
    const mended = play({ toMs: 2_000, wire: paused, arrival: paused })
    expect(mended.damage).toEqual({})
    expect(Math.max(...steps(mended.video))).toBe(30_040)
    const file = play({ toMs: 2_000, wire: ms => (ms < 1_000 ? ms : ms + 3_000), arrival: () => 0 })
    expect(file.damage).toEqual({})
    expect(Math.max(...steps(file.video))).toBe(3_040)
  })

  test('a network stall and the burst after it change nothing', () => {
    const mended = play({ toMs: 20_000, arrival: ms => (ms > 2_000 && ms < 18_000 ? 18_000 : ms) })
    expect(mended.damage).toEqual({})
    smooth(mended)
  })

  test('times that step back a little do not go back', () => {
    const random = createRandom(3)
    const mended = play({ toMs: 10_000, wire: ms => ms + random(60) })
    expect(mended.damage).toEqual({})
    smooth(mended, 110)
  })
})

describe('sound', () => {
  test('counted samples are exact although the tags are rounded', () => {
    const { audio } = play({ toMs: 60_000 })
    const ticks = audio.map(ms => Math.round((ms * RATE) / 1000))
    expect(new Set(steps(ticks))).toEqual(new Set([1024]))
  })

  test.each([200, -200, 1000, -1000])('an audio clock off by %i ppm is followed for six hours', ppm => {
    const clock = createSampleClock(RATE)
    let worst = 0
    const packets = (6 * 3600 * RATE) / 1024
    for (let i = 0; i < packets; i += 1) {
      const ms = ((i * 1024 * 1000) / RATE) * (1 + ppm / 1e6)
      worst = Math.max(worst, Math.abs((clock.stamp(Math.floor(ms), 1024) * 1000) / RATE - ms))
    }
    expect(worst).toBeLessThan(40)
  })

  test('hours of jitter leave it where it is', () => {
    const clock = createSampleClock(RATE)
    const random = createRandom(11)
    let worst = 0
    for (let i = 0; i < 500_000; i += 1) {
      const ms = (i * 1024 * 1000) / RATE
      const at = clock.stamp(Math.max(0, ms + random(60) - 30), 1024)
      worst = Math.max(worst, Math.abs((at * 1000) / RATE - ms))
    }
    expect(worst).toBeLessThan(60)
  })

  test('a gap of a second is followed at once, one of 60 ms within 40 ms', () => {
    for (const gap of [1000, 60]) {
      const clock = createSampleClock(RATE)
      for (let i = 0; i < 100; i += 1) clock.stamp((i * 1024 * 1000) / RATE, 1024)
      const ms = (100 * 1024 * 1000) / RATE + gap
      expect(Math.abs((clock.stamp(ms, 1024) * 1000) / RATE - ms)).toBeLessThanOrEqual(40.1)
    }
  })

  test('sound and picture stay together for 30 days', () => {
    const day = 86_400_000
    const clock = createSampleClock(8000)
    let worst = 0
    // One packet of 20 s stands for many: only the sums matter.
    for (let ms = 0; ms < 30 * day; ms += 20_000) {
      worst = Math.max(worst, Math.abs((clock.stamp(ms, 160_000) * 1000) / 8000 - ms))
    }
    expect(worst).toBeLessThan(1)
  })
})
