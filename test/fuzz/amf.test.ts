/** Any bytes: a value or a coded error, nothing else. */
import { expect, test } from 'vitest'
import { GatewayError } from '../../src/errors.ts'
import { decodeAmf0 } from '../../src/media/amf/amf0-decode.ts'
import { encodeAmf0 } from '../../src/media/amf/amf0-encode.ts'
import type { AmfValue } from '../../src/media/amf/value.ts'
import { decodeAmf3 } from '../helpers/amf3.ts'
import { createRandom, mutate } from '../helpers/random.ts'

const value: AmfValue = {
  app: 'live',
  flags: [1, -5, 0.25, null, undefined, true],
  when: new Date(1),
  map: new Map<string, AmfValue>([['a', { b: [{ c: 'd' }] }]]),
}
/** The same in AMF 3. */
const amf3 = Uint8Array.from(
  Buffer.from(
    '0a0b010761707006096c6976650b666c616773090d01040104fffffffb053fd0000000000000010003097768656e08013ff0000000000000' +
      '076d6170090103610a0b0103620903010a0b0103630603640101010106097461696c0903010903010903010903010401',
    'hex',
  ),
)
const limits = { bytes: 4096, depth: 8, values: 512 }

test.each([
  ['AMF 0', encodeAmf0(value, 'tail', [[[[1]]]]), decodeAmf0],
  ['AMF 3', amf3, decodeAmf3],
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
