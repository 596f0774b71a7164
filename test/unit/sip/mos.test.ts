/** The opinion score of a call: what the E-model says of networks that are known from its tables. */
import { expect, test } from 'vitest'
import { meanOpinionScore } from '../../../src/adapters/sip/calls/mos.ts'

const of = (codec: string, fractionLost = 0, jitterMs = 0, roundTripMs = 0): number =>
  meanOpinionScore({ codec, fractionLost, jitterMs, roundTripMs })

test('nothing wrong: the best that G.107 knows for a telephone, for each codec', () => {
  for (const codec of ['pcmu', 'pcma', 'g722', 'opus']) expect(of(codec)).toBeCloseTo(4.4, 1)
})

// Loss by G.113 (Bpl 25.1), delay by the straight lines of G.107's Id; opinion of R as G.107's table B.1 has it.
test.each([
  ['1 % lost: R 89', 0.01, 0, 0, 4.32],
  ['5 % lost: R 77', 0.05, 0, 0, 3.9],
  ['20 % lost: R 51', 0.2, 0, 0, 2.62],
  ['all lost: R 17', 1, 0, 0, 1.17],
  ['round trip of 300 ms: R 89', 0, 0, 300, 4.32],
  ['round trip of 800 ms: R 56', 0, 0, 800, 2.9],
  ['jitter of 60 ms: R 90', 0, 60, 0, 4.33],
])('%s', (_what, lost, jitterMs, roundTripMs, score) => {
  expect(of('pcmu', lost, jitterMs, roundTripMs)).toBeCloseTo(score, 1)
})

test('never beyond its scale, and never better with more loss, jitter or delay', () => {
  let before = 5
  for (let step = 0; step <= 40; step++) {
    const score = of('pcmu', step / 40, step * 50, step * 100)
    expect(score).toBeGreaterThanOrEqual(1)
    expect(score).toBeLessThanOrEqual(before)
    before = score
  }
})
