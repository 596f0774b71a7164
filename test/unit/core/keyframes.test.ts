import { describe, expect, test } from 'vitest'
import { createKeyframeRequester } from '../../../src/core/keyframes.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'

const setup = (wanted = { now: true }) => {
  const clock = new ManualClock(0)
  const asked: number[] = []
  const requester = createKeyframeRequester({
    clock,
    ask: () => void asked.push(clock.now() / 1000),
    isWanted: () => wanted.now,
  })
  return { clock, asked, requester }
}

describe('key frame requests', () => {
  test('idle: none', () => {
    const { clock, asked } = setup()
    clock.advance(3_600_000_000)
    expect(asked).toEqual([])
    expect(clock.pending).toBe(0)
  })

  test('100 joins within a second are at most 2 requests, with or without an answer', () => {
    for (const answersAfterUs of [50_000, undefined]) {
      const { clock, asked, requester } = setup()
      for (let i = 0; i < 100; i++) {
        const before = asked.length
        requester.request()
        if (asked.length > before && answersAfterUs !== undefined)
          clock.after(answersAfterUs, () => requester.seen())
        if (i < 99) clock.advance(10_000)
      }
      expect(asked.length).toBeLessThanOrEqual(2)
      expect(asked).toEqual([0, 500])
    }
  })

  test('a request that is lost twice is repeated so that the picture comes within 2 s', () => {
    const { clock, asked, requester } = setup()
    requester.request()
    clock.advance(2_000_000)
    expect(asked).toEqual([0, 500, 1500])
    requester.seen()
    clock.advance(60_000_000)
    expect(asked.length).toBe(3)
  })

  test('repeating backs off to one in 4 s, and stops when nobody watches', () => {
    const wanted = { now: true }
    const { clock, asked, requester } = setup(wanted)
    requester.request()
    clock.advance(16_000_000)
    expect(asked).toEqual([0, 500, 1500, 3500, 7500, 11_500, 15_500])
    wanted.now = false
    clock.advance(60_000_000)
    expect(asked.length).toBe(7)
    expect(clock.pending).toBe(0)
  })

  test('a key frame that comes by itself serves the request that still waited its turn', () => {
    const { clock, asked, requester } = setup()
    requester.request()
    clock.advance(100_000)
    requester.seen()
    requester.request()
    clock.advance(100_000)
    requester.seen()
    clock.advance(10_000_000)
    expect(asked).toEqual([0])
  })

  test('closing cancels what was pending', () => {
    const { clock, requester } = setup()
    requester.request()
    requester.close()
    expect(clock.pending).toBe(0)
  })
})
