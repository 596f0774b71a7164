/**
 * Open bitstream units, AV1 specification section 5.3. A unit is an OBU with its header, with or without its
 * size field.
 */
import { BitReader } from '../bits.ts'

export const OBU = {
  sequenceHeader: 1,
  temporalDelimiter: 2,
  frameHeader: 3,
  metadata: 5,
  frame: 6,
  tileList: 8,
  padding: 15,
} as const

export const obuType = (unit: Uint8Array): number => (unit[0]! >> 3) & 15
const hasExtension = (unit: Uint8Array): boolean => (unit[0]! & 4) !== 0
const HAS_SIZE = 2
const hasSize = (unit: Uint8Array): boolean => (unit[0]! & HAS_SIZE) !== 0

/**
 * Belongs among the units of a frame: not the sequence header (it lives in `params`), delimiters, tile lists,
 * padding.
 */
export const isAv1FrameUnit = (unit: Uint8Array): boolean => {
  if (unit.length === 0) return false
  const type = obuType(unit)
  return type >= OBU.frameHeader && type !== OBU.tileList && type !== OBU.padding
}

/**
 * Where the payload of the OBU at `at` begins and ends. undefined: damaged. Without size field it goes up to
 * `end`.
 */
const readBounds = (
  bytes: Uint8Array,
  at: number,
  end: number,
): { start: number; end: number } | undefined => {
  const head = at + (bytes[at]! & 4 ? 2 : 1)
  if (head > end || bytes[at]! & 0x80) return undefined
  if ((bytes[at]! & HAS_SIZE) === 0) return { start: head, end }
  const reader = new BitReader(bytes, head, end)
  const size = reader.leb128()
  const start = reader.position / 8
  return reader.overrun || start + size > end ? undefined : { start, end: start + size }
}

/**
 * OBUs of a temporal unit in low-overhead form (MP4, Enhanced RTMP), as views.
 * @returns undefined when a size points past the end
 */
export const splitObus = (bytes: Uint8Array, start = 0, end = bytes.length): Uint8Array[] | undefined => {
  const units: Uint8Array[] = []
  for (let at = start; at < end; ) {
    const bounds = readBounds(bytes, at, end)
    if (bounds === undefined) return undefined
    units.push(bytes.subarray(at, bounds.end))
    at = bounds.end
  }
  return units
}

/** The OBU without its size field, as RTP wants it; the same array when it has none. undefined: damaged. */
export const withoutObuSize = (unit: Uint8Array): Uint8Array | undefined => {
  if (unit.length === 0 || !hasSize(unit)) return unit.length === 0 ? undefined : unit
  const bounds = readBounds(unit, 0, unit.length)
  if (bounds === undefined) return undefined
  const head = hasExtension(unit) ? 2 : 1
  const out = new Uint8Array(head + bounds.end - bounds.start)
  out.set(unit.subarray(0, head))
  out[0] = unit[0]! & ~HAS_SIZE
  out.set(unit.subarray(bounds.start, bounds.end), head)
  return out
}

export const leb128Bytes = (value: number): number => {
  let bytes = 1
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) bytes += 1
  return bytes
}

/** Writes leb128 at `at`; returns the position after it. */
export const writeLeb128 = (value: number, out: Uint8Array, at: number): number => {
  let position = at
  let rest = value
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) {
    out[position] = (rest & 0x7f) | 0x80
    position += 1
  }
  out[position] = rest
  return position + 1
}

const headBytes = (unit: Uint8Array): number => (hasExtension(unit) ? 2 : 1)

/** Bytes that `writeObus` needs. */
export const sizedObusBytes = (units: readonly Uint8Array[]): number => {
  let size = 0
  for (const unit of units)
    size += unit.length + (hasSize(unit) ? 0 : leb128Bytes(unit.length - headBytes(unit)))
  return size
}

/**
 * Writes units in low-overhead form, each with its size field, at `at`; returns the position after the last.
 */
export const writeObus = (units: readonly Uint8Array[], out: Uint8Array, at: number): number => {
  let position = at
  for (const unit of units) {
    if (hasSize(unit)) {
      out.set(unit, position)
      position += unit.length
      continue
    }
    const head = headBytes(unit)
    out.set(unit.subarray(0, head), position)
    out[position] = unit[0]! | HAS_SIZE
    position = writeLeb128(unit.length - head, out, position + head)
    out.set(unit.subarray(head), position)
    position += unit.length - head
  }
  return position
}

const KEY_FRAME = 0

/** Decoding can start here: the first frame header is that of a shown key frame, section 5.9.2. */
export const isAv1Key = (units: readonly Uint8Array[]): boolean => {
  const frame = units.find(unit => obuType(unit) === OBU.frame || obuType(unit) === OBU.frameHeader)
  const bounds = frame && readBounds(frame, 0, frame.length)
  if (frame === undefined || bounds === undefined || bounds.start >= bounds.end) return false
  const first = frame[bounds.start]!
  const showExisting = first > 0x7f
  const frameType = (first >> 5) & 3
  const shown = (first & 0x10) !== 0
  return !showExisting && frameType === KEY_FRAME && shown
}
