/** Any bytes: a value or a coded error, nothing else. */
import { expect, test } from 'vitest'
import { GatewayError } from '../../src/errors.ts'
import { decodeAmf0 } from '../../src/media/amf/amf0-decode.ts'
import { encodeAmf0 } from '../../src/media/amf/amf0-encode.ts'
import { decodeAmf3 } from '../../src/media/amf/amf3-decode.ts'
import { encodeAmf3 } from '../../src/media/amf/amf3-encode.ts'
import type { AmfValue } from '../../src/media/amf/value.ts'
import { createRandom, mutate } from '../helpers/random.ts'

const value: AmfValue = {
  app: 'live',
  flags: [1, -5, 0.25, null, undefined, true],
  when: new Date(1),
  map: new Map<string, AmfValue>([['a', { b: [{ c: 'd' }] }]]),
}
const limits = { bytes: 4096, depth: 8, values: 512 }

test.each([
  ['AMF 0', encodeAmf0(value, 'tail', [[[[1]]]]), decodeAmf0],
  ['AMF 3', encodeAmf3(value, 'tail', [[[[1]]]]), decodeAmf3],
])('60 000 mutated %s messages', (_, seed, decode) => {
  const random = createRandom(7)
  let values = 0
  let errors = 0
  for (let round = 0; round < 60_000; round++) {
    try {
      decode(mutate(seed, random), limits)
      values += 1
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      errors += 1
    }
  }
  expect(values).toBeGreaterThan(1000)
  expect(errors).toBeGreaterThan(1000)
})
