import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'

describe('system clock', () => {
  test('counts microseconds that never run back, as integers', () => {
    let last = systemClock.now()
    for (let i = 0; i < 1000; i++) {
      const now = systemClock.now()
      expect(Number.isInteger(now)).toBe(true)
      expect(now).toBeGreaterThanOrEqual(last)
      last = now
    }
  })

  test('knows the wall clock in microseconds', () => {
    expect(Math.abs(systemClock.wall() - Date.now() * 1000)).toBeLessThan(1_000_000)
  })

  test('runs a timer after its delay, unless it was cancelled', async () => {
    const order: string[] = []
    const cancel = systemClock.after(1000, () => order.push('cancelled'))
    cancel()
    const begin = systemClock.now()
    await new Promise<void>(resolve => void systemClock.after(5000, resolve))
    expect(systemClock.now() - begin).toBeGreaterThanOrEqual(4000)
    expect(order).toEqual([])
  })

  test('what is overdue runs at once, and nothing is said of it', async () => {
    const warnings: string[] = []
    const hear = ({ name }: Error): unknown => warnings.push(name)
    process.on('warning', hear)
    await new Promise<void>(resolve => void systemClock.after(-5000, resolve))
    // Node tells warnings on the next tick.
    await new Promise(resolve => setImmediate(resolve))
    process.off('warning', hear)
    expect(warnings).toEqual([])
  })

  test('a delay beyond what setTimeout keeps does not fire at once', async () => {
    let fired = false
    const cancel = systemClock.after(1e15, () => {
      fired = true
    })
    await new Promise<void>(resolve => void systemClock.after(3000, resolve))
    cancel()
    expect(fired).toBe(false)
  })
})

describe('manual clock', () => {
  test('runs what falls due in order, each at its own time', () => {
    const clock = new ManualClock(0)
    const seen: [string, number][] = []
    clock.after(300, () => seen.push(['c', clock.now()]))
    clock.after(100, () => {
      seen.push(['a', clock.now()])
      clock.after(50, () => seen.push(['b', clock.now()]))
    })
    clock.after(1000, () => seen.push(['never', 0]))()
    clock.advance(500)
    expect(seen).toEqual([
      ['a', 100],
      ['b', 150],
      ['c', 300],
    ])
    expect(clock.now()).toBe(500)
    expect(clock.pending).toBe(0)
  })
})
