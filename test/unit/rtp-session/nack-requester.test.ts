import { describe, expect, test } from 'vitest'
import { NackRequester } from '../../../src/rtp-session/nack-requester.ts'

const RTT = 40_000
describe('asking for what is missing', () => {
  test('a gap is asked for after a moment for reordering, again after a round trip, and never once it came', () => {
    const nacks = new NackRequester()
    for (const seq of [1, 2, 5]) nacks.arrived(seq, 0)
    expect(nacks.due(1000, RTT)).toEqual([])
    expect(nacks.due(10_000, RTT)).toEqual([3, 4])
    expect(nacks.due(30_000, RTT)).toEqual([])
    nacks.arrived(3, 40_000)
    expect(nacks.due(60_000, RTT)).toEqual([4])
    nacks.arrived(4, 70_000)
    expect(nacks.due(1_000_000, RTT)).toEqual([])
    expect(nacks.pending).toBe(0)
  })

  test('numbers go out as 16 bits', () => {
    const nacks = new NackRequester()
    nacks.arrived(65_535, 0)
    nacks.arrived(65_538, 0)
    expect(nacks.due(20_000, RTT)).toEqual([0, 1])
  })

  test('a packet that never comes is given up after ten tries', () => {
    const nacks = new NackRequester()
    nacks.arrived(1, 0)
    nacks.arrived(3, 0)
    let asked = 0
    for (let now = 0; now < 10_000_000; now += 10_000) asked += nacks.due(now, RTT).length
    expect(asked).toBe(10)
    expect(nacks).toMatchObject({ givenUp: 1, pending: 0, asked: 10 })
  })

  test('what is too old is given up, a gap too wide is not asked for at all', () => {
    const nacks = new NackRequester()
    nacks.arrived(0, 0)
    nacks.arrived(2, 0)
    for (let seq = 3; seq < 1200; seq++) nacks.arrived(seq, 0)
    expect(nacks.due(20_000, RTT)).toEqual([])
    nacks.arrived(5000, 30_000)
    expect(nacks.pending).toBe(0)
    expect(nacks.hopeless).toBe(1)
  })

  test('memory stays bounded whatever comes', () => {
    const nacks = new NackRequester()
    for (let seq = 0; seq < 200_000; seq += 7) nacks.arrived(seq, 0)
    expect(nacks.pending).toBeLessThanOrEqual(500)
  })
})
