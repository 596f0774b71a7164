import { describe, expect, test } from 'vitest'
import { concatBytes } from '../../../src/media/bytes.ts'
import { writeFileHeader, writeTag } from '../../../src/media/flv/file.ts'
import { createFlvParser } from '../../../src/media/flv/parser.ts'
import { tagRole } from '../../../src/media/flv/tag-role.ts'
import type { FlvTag } from '../../../src/media/flv/types.ts'
import { fileOf, parseFlv } from '../../helpers/flv.ts'
import { createRandom } from '../../helpers/random.ts'

const random = createRandom(1)
const tags: FlvTag[] = Array.from({ length: 40 }, (_, i) => ({
  type: i % 2 === 0 ? 9 : 8,
  timestampMs: i * 20,
  body: Uint8Array.from({ length: 20 + random(3000) }, () => random(256)),
}))
const file = fileOf(tags)
const spoilt = (change: (bytes: Uint8Array, second: number) => Uint8Array): Uint8Array => {
  const { positions } = parseFlv(file)
  return change(file.slice(), positions[1]!)
}

describe('whole files', () => {
  test.each([1, 7, 100, 4096, file.length])('in pieces of %i bytes', chunk => {
    const parsed = parseFlv(file, chunk)
    expect(parsed.tags).toEqual(tags)
    expect(parsed.damage).toEqual([])
    expect(parsed.positions.slice(0, 2)).toEqual([13, 13 + 11 + tags[0]!.body.length + 4])
  })

  test('times of 32 bit', () => {
    const times = [0, 0xff_ffff, 0x100_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]
    const made = times.map((timestampMs): FlvTag => ({ type: 18, timestampMs, body: Uint8Array.of(2) }))
    expect(parseFlv(fileOf(made)).tags.map(tag => tag.timestampMs)).toEqual(times)
  })

  test('a tag above 16 MiB cannot be written', () => {
    const body = new Uint8Array(0x100_0000)
    expect(() => writeTag({ type: 9, timestampMs: 0, body })).toThrow('16777216 bytes')
  })

  test('bodies are never written over', () => {
    const seen: FlvTag[] = []
    const parser = createFlvParser({ onTag: tag => void seen.push(tag), onDamage: () => {} })
    for (let at = 0; at < file.length; at += 1000) parser.push(file.slice(at, at + 1000))
    parser.end()
    expect(seen).toEqual(tags)
  })
})

describe('damage', () => {
  test.each<[string, (bytes: Uint8Array, second: number) => Uint8Array, number]>([
    ['a size that is too large', (bytes, at) => bytes.with(at + 1, 0xff), 1],
    ['a size that is too small', (bytes, at) => bytes.with(at + 3, bytes[at + 3]! ^ 1), 1],
    ['a stream id', (bytes, at) => bytes.with(at + 9, 7), 1],
    [
      'five bytes too many',
      (bytes, at) => concatBytes([bytes.subarray(0, at), new Uint8Array(5).fill(0xee), bytes.subarray(at)]),
      0,
    ],
    ['half a tag missing', (bytes, at) => concatBytes([bytes.subarray(0, at), bytes.subarray(at + 15)]), 1],
  ])('%s: the rest of the tags is found', (_name, change, lost) => {
    const parsed = parseFlv(spoilt(change), 512)
    expect(parsed.tags.slice(-38)).toEqual(tags.slice(-38))
    expect(parsed.tags.length).toBe(40 - lost)
    expect(parsed.damage).toEqual([['lost tag boundary', expect.any(Number)]])
  })

  test('files whose PreviousTagSize is always 0 are read', () => {
    const bytes = concatBytes([
      writeFileHeader(true, true),
      ...tags.map(tag => {
        const whole = writeTag(tag)
        return whole.fill(0, whole.length - 4)
      }),
    ])
    expect(parseFlv(bytes, 999)).toMatchObject({ tags, damage: [] })
  })

  test('cut off inside the last tag', () => {
    const parsed = parseFlv(file.subarray(0, file.length - 10))
    expect(parsed.tags.length).toBe(39)
    expect(parsed.damage.map(([cause]) => cause)).toEqual(['truncated at the end'])
  })

  test('cut off behind the last body', () => {
    expect(parseFlv(file.subarray(0, file.length - 4))).toMatchObject({ tags, damage: [] })
  })

  test('unknown tag types and encrypted tags are passed over by name', () => {
    const { positions } = parseFlv(file)
    const bytes = file.slice()
    bytes[positions[3]!] = 15
    bytes[positions[4]!]! |= 0x20
    const parsed = parseFlv(bytes)
    expect(parsed.tags.length).toBe(38)
    expect(parsed.damage.map(([cause]) => cause)).toEqual(['tag type 15', 'encrypted tag'])
  })

  test.each([
    ['no FLV', Uint8Array.from({ length: 100 }, (_, i) => i), 'the signature is missing'],
    ['an impossible header size', Uint8Array.of(0x46, 0x4c, 0x56, 1, 5, 9, 9, 9, 9), 'an FLV header of'],
    ['an empty file', new Uint8Array(0), 'ended before the FLV header'],
  ])('%s is refused', (_name, bytes, message) => {
    expect(() => parseFlv(bytes)).toThrow(message)
  })

  test('noise ends it with an error instead of being searched for ever', () => {
    const parser = createFlvParser({ onTag: () => {}, onDamage: () => {} }, { maxSkipBytes: 100_000 })
    parser.push(writeFileHeader(true, true))
    const noise = new Uint8Array(10_000).fill(0xff)
    expect(() => {
      for (let i = 0; i < 100; i += 1) parser.push(noise)
    }).toThrow(/no FLV tag found in \d+ bytes/)
  })

  test('tags beyond the limit are damage', () => {
    const damage: string[] = []
    const seen: FlvTag[] = []
    const parser = createFlvParser(
      { onTag: tag => void seen.push(tag), onDamage: cause => void damage.push(cause) },
      { maxTagBytes: 2000 },
    )
    parser.push(file)
    parser.end()
    expect(seen.every(({ body }) => body.length <= 2000)).toBe(true)
    expect(damage).toContain('lost tag boundary')
  })
})

test.each<[string, FlvTag['type'], number[]]>([
  ['metadata', 18, [2]],
  ['config', 9, [0x17, 0]],
  ['config', 9, [0x90, 0x68, 0x76, 0x63, 0x31]],
  ['config', 9, [0x96, 0x00, 0x68, 0x76, 0x63, 0x31, 1]],
  ['config', 8, [0xaf, 0]],
  ['config', 8, [0x90, 0x4f, 0x70, 0x75, 0x73]],
  ['key', 9, [0x17, 1]],
  ['key', 9, [0x91, 0x68, 0x76, 0x63, 0x31]],
  ['frame', 9, [0x27, 1]],
  ['frame', 9, []],
  ['frame', 9, [0xa1, 0x68]],
  ['frame', 8, [0xaf, 1]],
  ['frame', 8, [0x2f, 0xff]],
])('a tag is %s', (role, type, body) => {
  expect(tagRole({ type, timestampMs: 0, body: Uint8Array.from(body) })).toBe(role)
})
