import { expect, test } from 'vitest'
import { Burst } from '../../../src/adapters/webrtc/burst.ts'
import type { Clock } from '../../../src/core/types.ts'

/** Timers run when they are told to. */
const steppedClock = (): Clock & { step(): boolean } => {
  const timers: (() => void)[] = []
  return {
    now: () => 0,
    wall: () => 0,
    after: (_, run) => {
      timers.push(run)
      return () => void timers.splice(timers.indexOf(run), 1)
    },
    step() {
      const run = timers.shift()
      run?.()
      return run !== undefined
    },
  }
}

test('what a viewer is given at once goes out in small steps, in order, live packets behind it', () => {
  const clock = steppedClock()
  const sent: number[] = []
  const burst = new Burst<number>(clock, item => void sent.push(item))
  for (let i = 0; i < 100; i++) burst.push(i)
  expect(sent).toEqual([])
  let next = 100
  let steps = 0
  while (!burst.isDone) {
    const before = sent.length
    clock.step()
    expect(sent.length - before).toBeLessThanOrEqual(16)
    if (steps++ < 3) burst.push(next++)
  }
  expect(sent).toEqual(Array.from({ length: next }, (_, i) => i))
  expect(clock.step()).toBe(false)
})

test('closing lets go of what waits', () => {
  const clock = steppedClock()
  const sent: number[] = []
  const burst = new Burst<number>(clock, item => void sent.push(item))
  burst.push(1)
  burst.close()
  expect(clock.step()).toBe(false)
  expect(sent).toEqual([])
})
