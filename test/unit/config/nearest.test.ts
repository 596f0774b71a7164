import { expect, test } from 'vitest'
import { nearest } from '../../../src/config/nearest.ts'

test.each([
  ['prot', 'port'],
  ['prto', 'port'],
  ['recordngs', 'recordings'],
  ['HTTP', 'http'],
  ['x', undefined],
  ['bananas', undefined],
])('%s → %s', (word, meant) => {
  expect(nearest(word, ['port', 'host', 'http', 'recordings'])).toBe(meant)
})
