/** Which packets are new, against a plain memory of all of them. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DuplicateFilter } from '../../../src/rtp-session/duplicate-filter.ts'

test('each number is new once, whatever is lost, doubled and reordered; also those before the first', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -250, max: 250 }), { minLength: 1, maxLength: 400 }), numbers => {
      const filter = new DuplicateFilter()
      const seen = new Set<number>()
      for (const seq of numbers) {
        expect(filter.admit(seq)).toBe(!seen.has(seq))
        seen.add(seq)
      }
    }),
  )
})

test('what is far behind, or lies deep in a wide gap, is not new', () => {
  const filter = new DuplicateFilter()
  for (const seq of [0, 1, 3, 10_000]) expect(filter.admit(seq)).toBe(true)
  for (const seq of [2, -5, 4000, 9000]) expect(filter.admit(seq)).toBe(false)
  expect(filter.admit(9999)).toBe(true)
  expect(filter.admit(9999)).toBe(false)
  for (let seq = 10_001; seq < 13_000; seq++) expect(filter.admit(seq)).toBe(true)
  expect(filter.admit(9998)).toBe(false)
})

test('gap after gap is remembered within bounds: what is still young is new', () => {
  const filter = new DuplicateFilter()
  let newest = 0
  for (let i = 0; i < 1000; i++) {
    newest += 700
    expect(filter.admit(newest)).toBe(true)
  }
  expect([1, 100, 511].map(back => filter.admit(newest - back))).toEqual([true, true, true])
  expect([1, 100, 511, 600].map(back => filter.admit(newest - back))).toEqual([false, false, false, false])
})
