import { describe, expect, test } from 'vitest'
import { createKeyframePace } from '../../../src/restream/keyframe-pace.ts'
import { Measure } from '../../../src/restream/measure.ts'
import { h264, picture } from '../../helpers/core-media.ts'

const pictureUs = 1e6 / 30

describe('key frames on request', () => {
  test('a source that answers in 200 ms is asked once every 1.8 s, and never in vain', () => {
    let asked: number | undefined
    let requests = 0
    const keys: number[] = []
    const pace = createKeyframePace(2000, () => {
      requests++
    })
    for (let i = 0; i < 900; i++) {
      const us = i * pictureUs
      const key = i === 0 || (asked !== undefined && us >= asked + 200_000)
      if (key) {
        keys.push(us)
        asked = undefined
      }
      const before = requests
      pace.picture(us, key)
      if (requests > before) asked = us
    }
    const gaps = keys.slice(1).map((us, i) => us - keys[i]!)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(2_000_000)
    expect(requests).toBeLessThanOrEqual(keys.length)
  })
  test('one that does not answer is asked again, not with every picture', () => {
    let requests = 0
    const pace = createKeyframePace(2000, () => {
      requests++
    })
    for (let i = 0; i < 300; i++) pace.picture(i * pictureUs, i === 0)
    expect(requests).toBeGreaterThan(3)
    expect(requests).toBeLessThan(7)
  })
  test('one that makes them often enough is never asked', () => {
    const pace = createKeyframePace(2000, () => expect.unreachable())
    for (let i = 0; i < 300; i++) pace.picture(i * pictureUs, i % 30 === 0)
  })
})

describe('measured over the last seconds', () => {
  const measured = (seconds: number, gop: number, bytes: number): Measure => {
    const measure = new Measure()
    for (let i = 0; i < seconds * 30; i++) measure.count(picture(i, h264, gop, bytes), i * pictureUs)
    return measure
  }
  test('nothing is said before there is something to say', () => {
    const measure = measured(1, 30, 100)
    expect([measure.kbps, measure.fps, measure.keyframeMs]).toEqual([undefined, undefined, undefined])
  })
  test('rate, pictures and the distance of key frames', () => {
    const measure = measured(20, 60, 1000)
    expect(measure.kbps).toBeCloseTo(240, 0)
    expect(measure.fps).toBeCloseTo(30, 0)
    expect(measure.keyframeMs).toBe(2000)
  })
  test('a key frame that does not come counts while it is awaited', () => {
    expect(measured(9, 1000, 100).keyframeMs).toBeGreaterThan(8_900)
  })
  test('a pause is part of the rate', () => {
    const measure = new Measure()
    for (let i = 0; i < 150; i++) measure.count(picture(i, h264, 30, 1000), i * pictureUs)
    measure.count(picture(0, h264, 30, 1000), 9.5e6)
    expect(measure.kbps).toBeCloseTo((4 * 240) / 8, 0)
  })
})
