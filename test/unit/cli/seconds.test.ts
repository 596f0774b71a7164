import { describe, expect, test } from 'vitest'
import { parseSeconds, parseValidity } from '../../../src/cli/seconds.ts'

describe('times on the command line', () => {
  test.each([
    ['90', 90],
    ['90s', 90],
    ['1.5', 1.5],
    ['15m', 900],
    ['1.5h', 5400],
    ['2d', 172_800],
    ['23d', 1_987_200],
  ])('%s is %d seconds', (text, seconds) => {
    expect(parseSeconds(text)).toBe(seconds)
  })
  test.each(['', ' ', '0', '0h', '-1', '1e3', 'x', '5 m', '2w', 'h', '1h30m', '24d', '2000001'])(
    '%j is none',
    text => {
      expect(() => parseSeconds(text)).toThrow('a time above 0 and up to 23d: 90 or 90s, 15m, 1.5h, 2d')
    },
  )
  test('a token may be valid for longer, and for whole seconds', () => {
    expect([parseValidity('30d'), parseValidity('0.5')]).toEqual([2_592_000, 1])
    expect(() => parseValidity('4000d')).toThrow('up to 3650d')
  })
})
