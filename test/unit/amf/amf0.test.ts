import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../../src/errors.ts'
import { decodeAmf0 } from '../../../src/media/amf/amf0-decode.ts'
import { encodeAmf0 } from '../../../src/media/amf/amf0-encode.ts'
import type { AmfValue } from '../../../src/media/amf/value.ts'

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const codeOf = (run: () => unknown): string => {
  try {
    run()
    return 'no error'
  } catch (error) {
    return error instanceof GatewayError ? error.code : String(error)
  }
}
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('AMF 0', () => {
  test('a connect command as ffmpeg sends it', () => {
    const bytes = hex(
      '02 0007 636f6e6e656374 00 3ff0000000000000 03 0003 617070 02 0004 6c697665 0004 74797065 02 000a 6e6f6e70726976617465 000009',
    )
    expect(plain(decodeAmf0(bytes))).toEqual(['connect', 1, { app: 'live', type: 'nonprivate' }])
    expect(encodeAmf0('connect', 1, { app: 'live', type: 'nonprivate' })).toEqual(bytes)
  })

  test('every writable value comes back', () => {
    const values: AmfValue[] = [
      undefined,
      null,
      true,
      false,
      -1.5,
      Number.NaN,
      'grüße',
      'x'.repeat(70_000),
      new Date(1_700_000_000_000),
      [1, 'two', [null]],
      { nested: { deep: { value: 1 } }, '': 'empty key' },
    ]
    const back = decodeAmf0(encodeAmf0(...values))
    expect(back.map(value => value ?? String(value))).toEqual(
      values.map(value => value ?? String(value)).map(value => (isBare(value) ? bare(value) : value)),
    )
  })

  test('an ECMA array is written from a Map and read as an object, whatever its count says', () => {
    const bytes = encodeAmf0(new Map<string, AmfValue>([['width', 1280]]))
    expect(bytes[0]).toBe(0x08)
    new DataView(bytes.buffer).setUint32(1, 0xffff_ffff)
    expect(plain(decodeAmf0(bytes))).toEqual([{ width: 1280 }])
  })

  test('a last object without its end marker is read', () => {
    expect(plain(decodeAmf0(hex('08 00000001 0001 61 00 3ff0000000000000')))).toEqual([{ a: 1 }])
  })

  test('a hostile key does not reach the prototype', () => {
    const [value] = decodeAmf0(hex('03 0009 5f5f70726f746f5f5f 03 0001 78 01 01 000009 000009'))
    expect(Object.getPrototypeOf(value)).toBeNull()
    expect(({} as Record<string, unknown>).x).toBeUndefined()
  })

  test('a reference gives the object it points to', () => {
    const [first, second] = decodeAmf0(hex('03 0001 61 01 01 000009 07 0000'))
    expect(second).toBe(first)
  })

  test.each([
    ['truncated string', '02 ffff 41', 'malformed'],
    ['truncated number', '00 00', 'malformed'],
    ['unknown marker', '20', 'malformed'],
    ['array that lies about its length', '0a ffffffff 05', 'malformed'],
    ['reference to nothing', '07 0003', 'malformed'],
    ['reference to itself', '03 0001 61 07 0000 000009', 'malformed'],
    ['nesting without end', '0a 00000001'.repeat(40), 'limit-exceeded'],
  ])('%s is %s: %s', (_, bytes, code) => {
    expect(codeOf(() => decodeAmf0(hex(bytes)))).toBe(code)
  })

  test('limits on bytes and values are kept', () => {
    const limits = { bytes: 100, depth: 4, values: 10 }
    expect(codeOf(() => decodeAmf0(new Uint8Array(101), limits))).toBe('limit-exceeded')
    expect(codeOf(() => decodeAmf0(new Uint8Array(11).fill(5), limits))).toBe('limit-exceeded')
    expect(decodeAmf0(new Uint8Array(10).fill(5), limits)).toHaveLength(10)
  })

  test('references cannot multiply a small message into a huge value', () => {
    let bytes = `0a 0000000a${'05'.repeat(10)}`
    for (let level = 0; level < 12; level++) {
      bytes += `0a 0000000a${`07 ${level.toString(16).padStart(4, '0')}`.repeat(10)}`
    }
    expect(codeOf(() => decodeAmf0(hex(bytes)))).toBe('limit-exceeded')
  })

  test('a value that contains itself cannot be written', () => {
    const loop: AmfValue[] = []
    loop.push(loop)
    expect(codeOf(() => encodeAmf0(loop))).toBe('limit-exceeded')
  })
})

const isBare = (value: unknown): value is object =>
  typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date)
const bare = (value: object): object =>
  Object.assign(
    Object.create(null),
    Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, isBare(inner) ? bare(inner) : inner]),
    ),
  )
