/** What is measured of a registry: sums that outlive sessions, latency, and how far sound and picture are apart. */
import { describe, expect, test } from 'vitest'
import { Histogram } from '../../../src/core/histogram.ts'
import { createMeasures, protocolOf } from '../../../src/core/measures.ts'
import { createRegistry } from '../../../src/core/registry.ts'
import { Skew } from '../../../src/core/skew.ts'
import { Tally } from '../../../src/core/tally.ts'
import type { Accept } from '../../../src/core/types.ts'
import { aac, picture, sound, vp8 } from '../../helpers/core-media.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { memoryEgress } from '../../helpers/memory-egress.ts'

const accepts: Accept[] = [
  { kind: 'video', codec: 'vp8', form: 'frame' },
  { kind: 'audio', codec: 'aac', form: 'frame' },
]

const setup = () => {
  const clock = new ManualClock()
  const registry = createRegistry({ clock })
  const goLive = (label = 'rtmp 1.2.3.4:5') => {
    const publication = registry.publish('live/cam', {
      label,
      onConflict: 'reject',
      link: () => ({ nacks: 3 }),
    })
    const video = publication.addTrack({ id: 'video', native: 'frame', params: vp8 })
    const audio = publication.addTrack({ id: 'audio', native: 'frame', params: aac })
    publication.ready()
    return { publication, video, audio }
  }
  return { clock, registry, goLive }
}

test('a histogram counts a value at its bound, and what is beyond all of them', () => {
  const histogram = new Histogram([1, 2])
  for (const value of [0.5, 1, 1.5, 2, 3]) histogram.observe(value)
  expect(histogram).toMatchObject({ counts: [2, 2, 1], count: 5, sum: 8 })
})

describe('a tally', () => {
  test('never falls when a member leaves and another begins at 0', () => {
    const tally = new Tally()
    let bytes = 100
    const leave = tally.enter('rtmp', () => ({ bytes }))
    expect(tally.sums.get('rtmp')).toEqual({ bytes: 100 })
    bytes = 150
    leave()
    leave()
    tally.enter('rtmp', () => ({ bytes: 0 }))
    expect(tally.sums.get('rtmp')).toEqual({ bytes: 150 })
    expect(tally.live.get('rtmp')).toBe(1)
  })
  test('has a bounded number of groups, whatever they are called', () => {
    const tally = new Tally()
    for (let i = 0; i < 1000; i++) tally.enter(`p${i}`, () => ({ bytes: 1 }))
    expect(tally.sums.size).toBe(33)
    expect(tally.sums.get('other')).toEqual({ bytes: 968 })
  })
})

test.each([
  ['rtmp 127.0.0.1:5', 'rtmp'],
  ['http-flv ::1', 'http-flv'],
  ['recording', 'recording'],
  ['9 x', 'other'],
  ['<script> x', 'other'],
])('the protocol of "%s" is %s', (label, protocol) => {
  expect(protocolOf(label)).toBe(protocol)
})

test('skew: how much later pictures come than sound, while there is sound', () => {
  const { skewIn } = createMeasures()
  const skew = new Skew(skewIn)
  skew.note('video', 0, 0)
  skew.note('audio', 100_000, 1_000_000)
  skew.note('video', 160_000, 1_500_000)
  skew.note('video', 160_000, 9_000_000)
  expect(skewIn).toMatchObject({ count: 1, sum: 0.06 })
})

describe('of a registry', () => {
  test('sums of tracks, publishers and readers grow over reconnects of all of them', async () => {
    const { registry, goLive } = setup()
    for (let round = 1; round <= 3; round++) {
      const { publication, video } = goLive()
      await registry.subscribe('live/cam', memoryEgress({ label: 'whep 5.6.7.8', accepts }), {
        start: 'live',
      })
      for (let i = 0; i < 10; i++) video.write(picture(i))
      const { tracks, readers, publishers } = registry.measures
      expect(tracks.sums.get('video')).toMatchObject({ units: 10 * round, bytes: 1000 * round })
      expect(readers.sums.get('whep')).toMatchObject({ units: 10 * round })
      expect(publishers.sums.get('rtmp')).toMatchObject({ nacks: 3 * round })
      expect([tracks.live.get('video'), readers.live.get('whep')]).toEqual([1, 1])
      await publication.close()
      expect(readers.sums.get('whep')).toMatchObject({ units: 10 * round })
      expect([tracks.live.get('video'), readers.live.get('whep'), publishers.live.get('rtmp')]).toEqual([
        0, 0, 0,
      ])
    }
  })

  test('latency is that of one unit in 64, and the reader tells its last', async () => {
    const { registry, clock, goLive } = setup()
    const { video } = goLive()
    await registry.subscribe('live/cam', memoryEgress({ accepts }), { start: 'live' })
    for (let i = 0; i < 65; i++) video.write({ ...picture(i), arrival: clock.now() - 3000 })
    expect(registry.measures.latency.count).toBe(2)
    expect(registry.measures.latency.sum).toBeCloseTo(0.006)
    expect(registry.find('live/cam')!.subscribers[0]!.stats.latencyMs).toBe(3)
  })

  test('what is replayed to a late reader is no latency', async () => {
    const { registry, clock, goLive } = setup()
    const { video } = goLive()
    for (let i = 0; i < 20; i++) video.write({ ...picture(i), arrival: clock.now() })
    clock.advance(5_000_000)
    const late = memoryEgress({ accepts })
    await registry.subscribe('live/cam', late, { start: 'last-gop' })
    expect(late.frames.length).toBe(20)
    expect(registry.measures.latency.count).toBe(0)
  })

  test('sound that comes 200 ms after its picture is seen in both skews', async () => {
    const { registry, clock, goLive } = setup()
    const { video, audio } = goLive()
    await registry.subscribe('live/cam', memoryEgress({ accepts }), { start: 'live' })
    const { skewIn, skewOut } = registry.measures
    const play = (seconds: number, lateMs: number): void => {
      for (const histogram of [skewIn, skewOut]) Object.assign(histogram, { sum: 0, count: 0 })
      for (const end = i + 30 * seconds; i < end; i++) {
        video.write({ ...picture(i), arrival: clock.now() })
        const ts = (i / 30 - lateMs / 1000) * 44_100
        audio.write({ ...sound(0), pts: ts, dts: ts, arrival: clock.now() })
        clock.advance(1e6 / 30)
      }
    }
    let i = 0
    play(5, 0)
    for (const { sum, count } of [skewIn, skewOut]) expect(sum / count).toBeCloseTo(0, 2)
    play(10, 200)
    expect(skewIn.count).toBeGreaterThanOrEqual(8)
    expect(skewOut.count).toBeGreaterThanOrEqual(3)
    for (const { sum, count } of [skewIn, skewOut]) {
      expect(sum / count).toBeGreaterThan(-0.21)
      expect(sum / count).toBeLessThan(-0.15)
    }
  })
})
