import { describe, expect, test } from 'vitest'
import { createGopCache, createTailCache } from '../../../src/core/gop-cache.ts'
import type { Frame, RtpPacket } from '../../../src/media/types.ts'
import { packet, picture, sound } from '../../helpers/core-media.ts'

describe('GOP cache', () => {
  test('keeps the units since the last key frame', () => {
    const cache = createGopCache<Frame>()
    for (let i = 5; i < 65; i++) cache.add(picture(i), 100)
    expect(cache.units().map(({ pts }) => pts / 3000)).toEqual([60, 61, 62, 63, 64])
    expect(cache.bytes).toBe(500)
  })

  test('keeps nothing before the first key frame', () => {
    const cache = createGopCache<Frame>()
    cache.add(picture(7), 100)
    expect(cache.units()).toEqual([])
  })

  test('a group beyond the byte limit is let go as a whole, the next one is kept', () => {
    const cache = createGopCache<Frame>({ maxBytes: 1000, maxUnits: 100 })
    for (let i = 0; i < 30; i++) cache.add(picture(i), 100)
    expect([cache.units().length, cache.bytes, cache.overflows]).toEqual([0, 0, 1])
    for (let i = 30; i < 35; i++) cache.add(picture(i), 100)
    expect([cache.units().length, cache.bytes]).toEqual([5, 500])
  })

  test('a group beyond the frame limit too', () => {
    const cache = createGopCache<Frame>({ maxBytes: 1e6, maxUnits: 10 })
    for (let i = 0; i < 30; i++) cache.add(picture(i), 1)
    expect([cache.units().length, cache.overflows]).toEqual([0, 1])
  })

  test('packets begin at the head of a key picture, in whatever number of packets it comes', () => {
    const cache = createGopCache<RtpPacket>()
    for (let seq = 3; seq < 100; seq++) cache.add(packet(seq, 3, 10), 100)
    expect(cache.units()[0]).toMatchObject({ seq: 90, key: true, head: true })
    expect(cache.units().length).toBe(10)
  })

  test('SPS and IDR in packets of their own are one picture', () => {
    const cache = createGopCache<RtpPacket>()
    const sps = { ...packet(30, 1), head: true }
    const idr = { ...packet(30, 1), seq: 31, head: true }
    cache.add(sps, 20)
    cache.add(idr, 100)
    expect(cache.units().map(({ seq }) => seq)).toEqual([30, 31])
  })
})

describe('tail cache', () => {
  test('keeps the newest units within both limits', () => {
    const cache = createTailCache<Frame>(() => true, { maxBytes: 1000, maxUnits: 20 })
    for (let i = 0; i < 500; i++) cache.add(sound(i), i < 490 ? 20 : 200)
    expect(cache.units().map(({ pts }) => pts / 1024)).toEqual([495, 496, 497, 498, 499])
    expect(cache.bytes).toBe(1000)
    cache.clear()
    expect(cache.units()).toEqual([])
  })
})
