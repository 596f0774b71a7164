import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../../src/errors.ts'
import { decodeAmf0 } from '../../../src/media/amf/amf0-decode.ts'
import type { AmfValue } from '../../../src/media/amf/value.ts'
import { decodeAmf3 } from '../../helpers/amf3.ts'

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const codeOf = (run: () => unknown): string => {
  try {
    run()
    return 'no error'
  } catch (error) {
    return error instanceof GatewayError ? error.code : String(error)
  }
}

describe('AMF 3', () => {
  test.each<[string, AmfValue]>([
    ['04 00', 0],
    ['04 7f', 127],
    ['04 8100', 128],
    ['04 ffff7f', 0x1f_ffff],
    ['04 80c08000', 0x20_0000],
    ['04 bfffffff', 0x0fff_ffff],
    ['04 ffffffff', -1],
    ['04 c0808000', -0x1000_0000],
    ['05 41b0000000000000', 0x1000_0000],
    ['06 0b 68656c6c6f', 'hello'],
    ['06 01', ''],
    ['00', undefined],
    ['01', null],
    ['03', true],
    ['02', false],
    ['05 bfe0000000000000', -0.5],
    ['06 05 c3bc', 'ü'],
    ['08 01 4014000000000000', new Date(5)],
    ['0c 05 0102', Uint8Array.of(1, 2)],
    ['09 05 01 0401 09 03 01 0402', [1, [2]]],
  ])('%s is %s', (bytes, value) => {
    expect(decodeAmf3(hex(bytes))).toEqual([value])
  })

  test('dynamic objects and associative arrays', () => {
    const bytes = hex('0a 0b 01 03 61 0a01 03 62 0401 01 01  09 01 03 63 0402 01')
    expect(JSON.stringify(decodeAmf3(bytes))).toBe('[{"a":{"b":1}},{"c":2}]')
  })

  test('strings, objects and traits by reference', () => {
    // [{x: "aa"} of sealed traits, the same traits with x by string reference, the first object again]
    const bytes = hex('0a 13 01 03 78 06 05 6161  0a 01 06 02  0a 00')
    const [first, second, third] = decodeAmf3(bytes)
    expect(JSON.stringify([first, second])).toBe('[{"x":"aa"},{"x":"aa"}]')
    expect(third).toBe(first)
  })

  test('vectors, dictionaries and sparse arrays', () => {
    expect(decodeAmf3(hex('0d 05 00 00000001 ffffffff'))).toEqual([[1, -1]])
    expect(decodeAmf3(hex('0e 03 00 ffffffff'))).toEqual([[0xffff_ffff]])
    expect(decodeAmf3(hex('0f 03 01 3ff0000000000000'))).toEqual([[1]])
    expect(JSON.stringify(decodeAmf3(hex('11 03 00 06 03 61 04 05')))).toBe('[{"a":5}]')
    expect(JSON.stringify(decodeAmf3(hex('09 03 03 61 04 01 01 04 02')))).toBe('[{"0":2,"a":1}]')
  })

  test('an AMF 0 value may switch to AMF 3', () => {
    expect(decodeAmf0(hex('05 11 04 05 05'))).toEqual([null, 5, null])
  })

  test.each([
    ['externalizable object', '0a 07 01', 'malformed'],
    ['unknown marker', '1f 01', 'malformed'],
    ['string reference to nothing', '06 08', 'malformed'],
    ['vector that lies', '0f ffffffff 00', 'malformed'],
    ['array that contains itself', '09 03 01 09 00', 'malformed'],
    ['nesting without end', '09 03 01'.repeat(40), 'limit-exceeded'],
  ])('%s: %s is %s', (_, bytes, code) => {
    expect(codeOf(() => decodeAmf3(hex(bytes)))).toBe(code)
  })
})
