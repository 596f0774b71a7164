import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { nutChecksum, START_CODES } from '../../../src/media/nut/codes.ts'
import { NutInput } from '../../../src/media/nut/input.ts'
import { createNutReader } from '../../../src/media/nut/reader.ts'
import type { NutStream } from '../../../src/media/nut/types.ts'
import { nutFrame, nutHeader } from '../../../src/media/nut/writer.ts'

const stream: NutStream = {
  kind: 'audio',
  fourcc: Uint8Array.from([0xff, 0, 0, 0]),
  timeBase: { numerator: 1, denominator: 44_100 },
  codecData: Uint8Array.from([0x12, 0x10]),
  sampleRate: 44_100,
  channels: 2,
  width: 0,
  height: 0,
}
interface Read {
  readonly streams: NutStream[]
  readonly frames: { readonly pts: number; readonly key: boolean; readonly data: number[] }[]
  readonly damage: string[]
}
const read = (bytes: Uint8Array, step: number): Read => {
  const result: Read = { streams: [], frames: [], damage: [] }
  const reader = createNutReader({
    onStream: (_, found) => result.streams.push(found),
    onFrame: (_, pts, key, data) => result.frames.push({ pts, key, data: [...data] }),
    onDamage: cause => result.damage.push(cause),
  })
  for (let at = 0; at < bytes.length; at += step) reader.push(bytes.subarray(at, at + step))
  return result
}
const concat = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap(part => [...part]))

test('what is written is read back, however the bytes are cut', () => {
  const times = [0, 1024, 2048, 2 ** 33, 2 ** 33 + 5]
  const bytes = concat(
    nutHeader(stream),
    ...times.map((pts, i) =>
      nutFrame(
        pts,
        Uint8Array.from({ length: 1 + i * 200 }, (_, n) => n & 255),
      ),
    ),
  )
  for (const step of [1, 2, 7, 64, bytes.length]) {
    const { streams, frames, damage } = read(bytes, step)
    expect(damage).toEqual([])
    expect(streams).toEqual([stream])
    expect(frames.map(({ pts }) => pts)).toEqual(times)
    expect(frames.map(({ data }) => data.length)).toEqual([1, 201, 401, 601, 801])
    expect(frames.every(({ key }) => key)).toBe(true)
  }
})

test('a frame is handed on with its last byte, not later', () => {
  const frames: number[] = []
  const reader = createNutReader({
    onStream: () => {},
    onFrame: (_, pts) => frames.push(pts),
    onDamage: cause => expect.unreachable(cause),
  })
  reader.push(nutHeader(stream))
  const frame = nutFrame(77, new Uint8Array(100))
  reader.push(frame.subarray(0, -1))
  expect(frames).toEqual([])
  reader.push(frame.subarray(-1))
  expect(frames).toEqual([77])
})

test('the checksum is the one of the specification: zero over data and checksum', () => {
  const bytes = nutHeader(stream)
  const main = Buffer.from(bytes).indexOf(START_CODES.main)
  const size = new NutInput(bytes, main + 8, bytes.length)
  const length = size.v()
  expect(nutChecksum(bytes, size.at, size.at + length)).toBe(0)
  expect(nutChecksum(new TextEncoder().encode('123456789'), 0, 9)).toBe(0x89a1897f)
})

test('one wrong bit in a header is damage, said once, and nothing follows', () => {
  const bytes = concat(nutHeader(stream), nutFrame(0, new Uint8Array(8)))
  const main = Buffer.from(bytes).indexOf(START_CODES.main)
  bytes[main + 12]! ^= 1
  const { frames, damage } = read(bytes, 16)
  expect(frames).toEqual([])
  expect(damage).toEqual(['checksum of the main packet'])
})

test('something else than NUT is damage', () => {
  expect(read(new TextEncoder().encode('OggS'.repeat(20)), 9).damage).toEqual(['no NUT file id'])
})

test.for([
  ['v', [0x00], 0],
  ['v', [0x7f], 127],
  ['v', [0x81, 0x00], 128],
  ['v', [0x83, 0xff, 0x7f], 65_535],
  ['s', [0x00], 0],
  ['s', [0x01], 1],
  ['s', [0x02], -1],
  ['s', [0x03], 2],
] as const)('%s of %o is %i', ([kind, bytes, value]) => {
  expect(new NutInput(Uint8Array.from(bytes), 0, bytes.length)[kind]()).toBe(value)
})

test('numbers beyond 64 bits are absurd, numbers cut short are short', () => {
  const absurd = new NutInput(new Uint8Array(32).fill(0xff), 0, 32)
  absurd.v()
  expect(absurd.absurd).toBe(true)
  const cut = new NutInput(Uint8Array.from([0x81]), 0, 1)
  cut.v()
  expect(cut.short).toBe(true)
})

/** Written by ffmpeg 5.1; times, sizes and hashes as its ffprobe prints them. The MP3 frames lack their first bytes. */
const ofFfmpeg = {
  'opus.nut': [
    [0, '98b1a379b25e9d6e50c26ccbd0c5dd1c'],
    [960, '34396eb7593662c1b9bd797de62c9b08'],
    [1920, '79e749e74cde46de4ae3ab46551b72ce'],
  ],
  'mp3-elided-headers.nut': [
    [0, '904fdad6d201ae7d1a12b25def587c67'],
    [576, 'd49f2fb5ef93755489c09b28db9d8473'],
    [1152, 'b643a8e12a891b64412dded91607b87f'],
    [1728, '3d26c44de0e3f8ecfcd72e3a15e2ac3d'],
  ],
} as const

test.for(Object.entries(ofFfmpeg))('%s of ffmpeg is read as ffprobe reads it', ([name, packets]) => {
  const bytes = readFileSync(join(import.meta.dirname, '..', '..', 'fixtures', 'nut', name))
  const { frames, damage } = read(bytes, 10)
  expect(damage).toEqual([])
  expect(
    frames.map(({ pts, data }) => [pts, createHash('md5').update(Uint8Array.from(data)).digest('hex')]),
  ).toEqual(packets)
})
