/** Quantiles of the histogram beside those of the sorted values. */
import { expect, test } from 'vitest'
import { Lateness } from '../../../src/native/lateness.ts'
import { createRandom } from '../../helpers/random.ts'

test('exact below 16 µs, an eighth above it, never less than the truth', () => {
  const random = createRandom(7)
  for (const range of [16, 1000, 100_000, 2 ** 30]) {
    const lateness = new Lateness()
    const values = Array.from({ length: 2000 }, () => random(range))
    for (const value of values) lateness.add(value)
    values.sort((a, b) => a - b)
    for (const share of [0, 0.5, 0.9, 0.99]) {
      const truth = values[Math.floor(share * values.length)]!
      const told = lateness.quantileUs(share)
      expect(told).toBeGreaterThanOrEqual(truth)
      expect(told).toBeLessThanOrEqual(range === 16 ? truth : truth * 1.125 + 1)
    }
    expect(lateness.maxUs).toBe(values.at(-1))
    expect(lateness.quantileUs(1)).toBe(lateness.maxUs)
  }
})

test('early is not late, and none is none', () => {
  const lateness = new Lateness()
  expect([lateness.quantileUs(0.5), lateness.maxUs]).toEqual([0, 0])
  lateness.add(-500)
  expect([lateness.quantileUs(0.99), lateness.maxUs]).toEqual([0, 0])
  lateness.add(1e12)
  expect(lateness.maxUs).toBe(2 ** 31 - 1)
})
