import { FILE_ID, FLAG, nutChecksum, START_CODES } from './codes.ts'
import type { NutStream } from './types.ts'

const FRAME_CODE = 1
/** Version 4: the first with main_flags, where this one says that no syncpoint follows the first. */
const VERSION = 4
const MINOR_VERSION = 1
const FLAG_PIPE = 2
/** All times are written whole, so the split of pts into low and high bits needs no low bits. */
const PTS_SHIFT = 7
const CLASS = { video: 0, audio: 1, other: 3 } as const

const pushV = (out: number[], value: number): void => {
  let scale = 1
  while (value / scale >= 128) scale *= 128
  for (; scale > 1; scale /= 128) out.push((Math.floor(value / scale) % 128) | 0x80)
  out.push(value % 128)
}
const pushVb = (out: number[], bytes: Uint8Array): void => {
  pushV(out, bytes.length)
  out.push(...bytes)
}
const pushU32 = (out: number[], value: number): void => {
  out.push(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255)
}

const packet = (code: Uint8Array, payload: number[]): number[] => {
  const out = [...code]
  pushV(out, payload.length + 4)
  out.push(...payload)
  const bytes = Uint8Array.from(payload)
  pushU32(out, nutChecksum(bytes, 0, bytes.length))
  return out
}

const mainHeader = (stream: NutStream): number[] => {
  const out: number[] = []
  const put = (...values: number[]): void => {
    for (const value of values) pushV(out, value)
  }
  put(VERSION, MINOR_VERSION, 1, 65536, 1, stream.timeBase.numerator, stream.timeBase.denominator)
  // Frame codes as runs of (flags, fields, pts, mul, stream, size, reserved, count): one code in use, 255 invalid
  // ('N' is skipped by both sides and counts in neither run).
  put(FLAG.invalid, 6, 0, 1, 0, 0, 0, 1)
  put(FLAG.key | FLAG.codedPts | FLAG.sizeMsb | FLAG.checksum, 6, 0, 1, 0, 0, 0, 1)
  put(FLAG.invalid, 6, 0, 1, 0, 0, 0, 253)
  put(0, FLAG_PIPE)
  return out
}

/** Sample aspect ratio and colour space of video are left open: the bitstream says them. */
const formatOf = ({ kind, sampleRate, channels, width, height }: NutStream): readonly number[] =>
  kind === 'video' ? [width, height, 0, 0, 0] : [sampleRate, 1, channels]

const streamHeader = (stream: NutStream): number[] => {
  const out: number[] = []
  pushV(out, 0)
  pushV(out, CLASS[stream.kind])
  pushVb(out, stream.fourcc)
  for (const value of [0, PTS_SHIFT, 2 ** 30, 0, 0]) pushV(out, value)
  pushVb(out, stream.codecData)
  for (const value of formatOf(stream)) pushV(out, value)
  return out
}

/** What goes before the first frame of a stream with this one track: 100 to 200 bytes. */
export const nutHeader = (stream: NutStream): Uint8Array =>
  Uint8Array.from([
    ...FILE_ID,
    ...packet(START_CODES.main, mainHeader(stream)),
    ...packet(START_CODES.stream, streamHeader(stream)),
    ...packet(START_CODES.syncpoint, [0, 0]),
  ])

/** One frame, ready for the pipe. `pts` in ticks of the stream's time base, not negative. The data is copied. */
export const nutFrame = (pts: number, data: Uint8Array): Uint8Array => {
  const head = [FRAME_CODE]
  pushV(head, pts + 2 ** PTS_SHIFT)
  pushV(head, data.length)
  const out = new Uint8Array(head.length + 4 + data.length)
  out.set(head)
  new DataView(out.buffer).setUint32(head.length, nutChecksum(out, 0, head.length))
  out.set(data, head.length + 4)
  return out
}
