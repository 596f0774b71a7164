import { describe, expect, test } from 'vitest'
import { createTrackClock, scaledClock } from '../../../src/core/track-clock.ts'
import { createRandom } from '../../helpers/random.ts'

const W0 = 1_750_000_000_000_000
/** The sender's wall clock is 3 hours off ours: only differences between its reports mean anything. */
const senderOff = -3 * 3_600_000_000

const pair = () => {
  const stream = { originWall: undefined }
  const sender = { offset: undefined }
  return {
    video: createTrackClock(90_000, stream, sender),
    audio: createTrackClock(48_000, stream, sender),
  }
}

describe('before and at the first anchor', () => {
  test('without an anchor stream time is ticks over rate, and wall time unknown', () => {
    const { video } = pair()
    expect(video.toStreamTime(90_000)).toBe(1_000_000)
    expect(video.fromStreamTime(1_000_000)).toBe(90_000)
    expect(video.toWall(0)).toBeUndefined()
  })

  test('arrival anchors at once, whatever the first timestamp is', () => {
    const { video, audio } = pair()
    video.anchor({ ts: 17_000 * 90_000, wall: W0, from: 'arrival' })
    audio.anchor({ ts: 123, wall: W0 + 20_000, from: 'arrival' })
    expect(video.toWall(17_000 * 90_000)).toBe(W0)
    expect(video.toStreamTime(17_000 * 90_000 + 9000)).toBe(100_000)
    expect(audio.toStreamTime(123)).toBe(20_000)
  })

  test('times are integers and go both ways, through a correction too', () => {
    const { audio } = pair()
    audio.anchor({ ts: 0, wall: W0, from: 'arrival' })
    audio.anchor({ ts: 0, wall: W0 + senderOff, from: 'sender-report' })
    audio.anchor({ ts: 48_000, wall: W0 + senderOff + 1_100_000, from: 'sender-report' })
    for (let ts = 0; ts < 48_000 * 60; ts += 4801) {
      const us = audio.toStreamTime(ts)
      expect(Number.isInteger(us)).toBe(true)
      expect(Math.abs(audio.fromStreamTime(us) - ts)).toBeLessThanOrEqual(1)
    }
  })

  test('a report that comes before any media waits for it', () => {
    const { video, audio } = pair()
    video.anchor({ ts: 0, wall: W0 + senderOff, from: 'sender-report' })
    expect(video.anchored).toBe(false)
    video.anchor({ ts: 0, wall: W0, from: 'arrival' })
    audio.anchor({ ts: 0, wall: W0 + 100_000, from: 'arrival' })
    audio.anchor({ ts: 0, wall: W0 + senderOff, from: 'sender-report' })
    expect(audio.syncErrorUs).toBe(-100_000)
  })

  test('a report that came first places a track beside one that has reported, however late its packets come', () => {
    const { video, audio } = pair()
    video.anchor({ ts: 0, wall: W0 + senderOff, from: 'sender-report' })
    video.anchor({ ts: 0, wall: W0, from: 'arrival' })
    audio.anchor({ ts: 4800, wall: W0 + senderOff + 100_000, from: 'sender-report' })
    audio.anchor({ ts: 0, wall: W0 + 93_000, from: 'arrival' })
    expect(audio.toStreamTime(0)).toBe(0)
    expect(audio.syncErrorUs).toBe(0)
  })

  test('no track begins before the stream does, and none more than a second off its arrival', () => {
    const { video, audio } = pair()
    video.anchor({ ts: 0, wall: W0 + senderOff, from: 'sender-report' })
    video.anchor({ ts: 0, wall: W0, from: 'arrival' })
    audio.anchor({ ts: 0, wall: W0 + senderOff - 40_000, from: 'sender-report' })
    audio.anchor({ ts: 0, wall: W0 + 10_000, from: 'arrival' })
    expect(audio.toStreamTime(0)).toBe(0)
    const other = createTrackClock(8000, { originWall: W0 }, { offset: -senderOff })
    other.anchor({ ts: 0, wall: W0 + senderOff - 5_000_000, from: 'sender-report' })
    other.anchor({ ts: 0, wall: W0 + 10_000, from: 'arrival' })
    expect(other.toStreamTime(0)).toBe(10_000)
  })

  test('arrival that contradicts the mapping by more than a second is a jump of the source: anchored anew', () => {
    const { video } = pair()
    video.anchor({ ts: 0, wall: W0, from: 'arrival' })
    video.anchor({ ts: 90_000, wall: W0 + 1_900_000, from: 'arrival' })
    expect(video.toStreamTime(90_000)).toBe(1_000_000)
    video.anchor({ ts: 90_000_000, wall: W0 + 2_000_000, from: 'arrival' })
    expect(video.toStreamTime(90_000_000)).toBe(2_000_000)
  })
})

/**
 * A sender whose capture clock is true and whose audio clock runs 200 ppm fast. Both are anchored at the arrival of
 * their first packet: video `pacerUs` late. Reports from 5 s on, every 5 s. Asked every 100 ms, as media would.
 */
const play = (seconds: number, pacerUs: number, report: (second: number) => number = () => 0) => {
  const { video, audio } = pair()
  const audioTs = (s: number): number => Math.round(s * 48_000 * 1.0002)
  const videoTs = (s: number): number => Math.round(s * 90_000)
  const offsets = new Map<number, number>()
  const steps = { audio: 0, video: 0 }
  video.anchor({ ts: 0, wall: W0 + 40_000 + pacerUs, from: 'arrival' })
  audio.anchor({ ts: 0, wall: W0 + 40_000, from: 'arrival' })
  let before = { audio: audio.toStreamTime(0), video: video.toStreamTime(0) }
  for (let tenth = 0; tenth <= seconds * 10; tenth++) {
    const s = tenth / 10
    const now = { audio: audio.toStreamTime(audioTs(s)), video: video.toStreamTime(videoTs(s)) }
    if (tenth > 0) {
      steps.audio = Math.max(steps.audio, Math.abs(now.audio - before.audio - 100_000))
      steps.video = Math.max(steps.video, Math.abs(now.video - before.video - 100_000))
    }
    before = now
    offsets.set(s, now.video - now.audio)
    if (tenth === 0 || tenth % 50 !== 0) continue
    const wall = W0 + senderOff + s * 1e6 + report(s)
    video.anchor({ ts: videoTs(s), wall, from: 'sender-report' })
    audio.anchor({ ts: audioTs(s), wall, from: 'sender-report' })
  }
  return { offsets, steps, video, audio }
}

describe('sender reports', () => {
  test('audio 200 ppm fast: picture and sound stay within 40 ms for an hour', () => {
    const { offsets } = play(3600, 0)
    for (const s of [0, 5, 60, 600, 3600]) expect(Math.abs(offsets.get(s)!)).toBeLessThan(40_000)
    const worst = Math.max(...[...offsets.values()].map(Math.abs))
    expect(worst).toBeLessThan(5_000)
  })

  test('a pacer that delays the first picture by 150 ms is corrected by the reports, and never by a jump', () => {
    const { offsets, steps } = play(3600, 150_000)
    expect(offsets.get(0)).toBe(150_000)
    for (const s of [30, 60, 3600]) expect(Math.abs(offsets.get(s)!)).toBeLessThan(40_000)
    // 100 ms of media moves the mapping by 1 % at most, and by the 200 ppm of the audio clock.
    expect(steps.video).toBeLessThanOrEqual(1_001)
    expect(steps.audio).toBeLessThanOrEqual(1_050)
  })

  test('without any report the drift would be 720 ms', () => {
    const { video, audio } = pair()
    video.anchor({ ts: 0, wall: W0, from: 'arrival' })
    audio.anchor({ ts: 0, wall: W0, from: 'arrival' })
    const offset = video.toStreamTime(3600 * 90_000) - audio.toStreamTime(Math.round(3600 * 48_000 * 1.0002))
    expect(Math.abs(offset)).toBe(720_000)
  })

  test('one report that is 300 ms off and more is refused', () => {
    const clean = play(60, 0).offsets.get(60)!
    const { offsets, audio, video } = play(60, 0, s => (s === 30 ? 350_000 : 0))
    expect(offsets.get(60)).toBe(clean)
    expect([audio.outliers, video.outliers]).toEqual([1, 1])
  })

  test('a report 200 ms off moves the mapping slowly, and the next ones bring it back', () => {
    const { offsets, steps } = play(120, 0, s => (s === 30 ? 200_000 : 0))
    expect(steps.audio).toBeLessThanOrEqual(1_050)
    expect(Math.abs(offsets.get(120)!)).toBeLessThan(40_000)
  })

  test('the sender sets its clock by an hour: three reports that agree, and nothing moves', () => {
    const { offsets, steps } = play(300, 0, s => (s >= 100 ? 3_600_000_000 : 0))
    expect(steps.audio).toBeLessThanOrEqual(1_050)
    expect(steps.video).toBeLessThanOrEqual(1_001)
    expect(Math.abs(offsets.get(300)!)).toBeLessThan(40_000)
  })

  test('reports missed for an hour are no outlier when they come back', () => {
    const { video, audio } = pair()
    for (const clock of [video, audio]) clock.anchor({ ts: 0, wall: W0, from: 'arrival' })
    for (const s of [5, 3605]) {
      const wall = W0 + senderOff + s * 1e6
      video.anchor({ ts: s * 90_000, wall, from: 'sender-report' })
      audio.anchor({ ts: Math.round(s * 48_000 * 1.0002), wall, from: 'sender-report' })
    }
    expect(audio.outliers).toBe(0)
    expect(audio.syncErrorUs).toBeLessThan(-700_000)
  })

  test('late ticks map the same line after a correction has begun', () => {
    const { video } = pair()
    video.anchor({ ts: 0, wall: W0, from: 'arrival' })
    video.anchor({ ts: 0, wall: W0 + senderOff, from: 'sender-report' })
    const ahead = video.toStreamTime(90_000)
    video.anchor({ ts: 45_000, wall: W0 + senderOff + 600_000, from: 'sender-report' })
    expect(video.toStreamTime(90_000)).toBe(ahead)
    expect(video.toStreamTime(90_000 + 9000)).toBe(ahead + 101_000)
  })
})

/** As `play`, but nothing is known except when packets came: every 500 ms, 0 to 30 ms late, one in ten by a queue. */
const playByArrival = (seconds: number, audioPpm: number, firstDelayUs = 0) => {
  const { video, audio } = pair()
  const delays = createRandom(7)
  const late = (): number => delays(30_000) + (delays(10) === 0 ? 200_000 : 0)
  const offsets = new Map<number, number>()
  const steps = { audio: 0, video: 0 }
  let before: { audio: number; video: number } | undefined
  for (let half = 0; half <= seconds * 2; half++) {
    const s = half / 2
    const ts = { audio: Math.round(s * 48_000 * (1 + audioPpm / 1e6)), video: s * 90_000 }
    const wall = W0 + s * 1e6
    video.anchor({ ts: ts.video, wall: wall + (half === 0 ? firstDelayUs : late()), from: 'arrival' })
    audio.anchor({ ts: ts.audio, wall: wall + (half === 0 ? 0 : late()), from: 'arrival' })
    const now = { audio: audio.toStreamTime(ts.audio), video: video.toStreamTime(ts.video) }
    if (before !== undefined) {
      steps.audio = Math.max(steps.audio, Math.abs(now.audio - before.audio - 500_000))
      steps.video = Math.max(steps.video, Math.abs(now.video - before.video - 500_000))
    }
    before = now
    offsets.set(s, now.video - now.audio)
  }
  return { offsets, steps, audio }
}

describe('a source that sends no reports', () => {
  test.each([200, -200, 100])('audio %i ppm off: within 40 ms for an hour, by arrival alone', ppm => {
    const { offsets, steps } = playByArrival(3600, ppm)
    const worst = Math.max(...[...offsets.values()].map(Math.abs))
    expect(worst).toBeLessThan(20_000)
    // 500 ms of media move the mapping by 500 ppm at most, by the drift of the audio clock, and by one tick.
    expect(steps.video).toBeLessThanOrEqual(250 + 12)
    expect(steps.audio).toBeLessThanOrEqual(250 + 0.5 * Math.abs(ppm) + 21)
  })

  test('a first picture that came 150 ms late does not stay late', () => {
    const { offsets } = playByArrival(400, 0, 150_000)
    expect(offsets.get(0)).toBe(150_000)
    expect(Math.abs(offsets.get(400)!)).toBeLessThan(40_000)
  })

  test('once a report has come arrival moves nothing any more', () => {
    const { audio } = pair()
    audio.anchor({ ts: 0, wall: W0, from: 'arrival' })
    audio.anchor({ ts: 0, wall: W0 + senderOff, from: 'sender-report' })
    for (let s = 1; s < 60; s++)
      audio.anchor({ ts: s * 48_000, wall: W0 + s * 1e6 + 300_000, from: 'arrival' })
    expect(audio.toStreamTime(60 * 48_000)).toBe(60_000_000)
  })

  test('congestion that lasts shorter than a window moves nothing', () => {
    const { audio } = pair()
    for (let half = 0; half < 120; half++) {
      const late = half % 40 < 15 ? 600_000 : 0
      audio.anchor({
        ts: half * 24_000,
        wall: W0 + half * 500_000 + (half === 0 ? 0 : late),
        from: 'arrival',
      })
    }
    expect(audio.toStreamTime(60 * 48_000)).toBe(60_000_000)
  })
})

describe('derived clocks', () => {
  test('a transcoded track shares the time line of its parent', () => {
    const { audio } = pair()
    audio.anchor({ ts: 480_000, wall: W0, from: 'arrival' })
    const derived = scaledClock(audio, 44_100)
    expect(derived.rate).toBe(44_100)
    expect(derived.toStreamTime(441_000 + 44_100)).toBe(1_000_000)
    expect(derived.toWall(441_000)).toBe(W0)
    expect(derived.fromStreamTime(1_000_000)).toBe(485_100)
    derived.anchor({ ts: 0, wall: 0, from: 'arrival' })
    expect(derived.toWall(441_000)).toBe(W0)
  })
})

describe('take-over', () => {
  test('the reports of the next sender, from another clock, do not disturb the line', () => {
    const { audio } = pair()
    audio.anchor({ ts: 0, wall: W0, from: 'arrival' })
    audio.anchor({ ts: 0, wall: W0 + senderOff, from: 'sender-report' })
    audio.newSender({ offset: undefined })
    audio.anchor({ ts: 48_000, wall: 5, from: 'sender-report' })
    expect(audio.outliers).toBe(0)
    expect(audio.toStreamTime(96_000)).toBe(2_000_000)
  })

  test('a line that ran ahead of the wall clock: the next sender begins behind its end, all its tracks alike', () => {
    const stream = { originWall: undefined }
    const video = createTrackClock(90_000, stream, { offset: undefined })
    video.anchor({ ts: 0, wall: W0, from: 'arrival' })
    const next = { offset: undefined, notBefore: W0 + 10_700_000 }
    const later = createTrackClock(90_000, stream, next)
    const sound = createTrackClock(48_000, stream, next)
    later.anchor({ ts: 0, wall: W0 + 10_000_000, from: 'arrival' })
    sound.anchor({ ts: 0, wall: W0 + 10_020_000, from: 'arrival' })
    expect([later.toStreamTime(0), sound.toStreamTime(0)]).toEqual([10_700_000, 10_720_000])
  })
})
