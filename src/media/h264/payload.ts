/** One look at an H.264 RTP payload, RFC 6184 sections 5.2 to 5.8; no depacketising. */
import { NAL } from './units.ts'

/** Type of the first NAL unit that the payload carries or continues; 0 when there is none. */
const firstType = (bytes: Uint8Array, start: number, end: number): number => {
  if (start >= end) return 0
  const type = bytes[start]! & 0x1f
  if (type === NAL.stapA) return start + 3 < end ? bytes[start + 3]! & 0x1f : 0
  if (type === NAL.fuA) return start + 1 < end ? bytes[start + 1]! & 0x1f : 0
  return type
}

const isKeyType = (type: number): boolean => type === NAL.idr || type === NAL.sps || type === NAL.pps

/** Part of a key frame: an IDR slice, or parameter sets, which come in front of one. */
export const isKeyH264Payload = (bytes: Uint8Array, start: number, end: number): boolean => {
  if (start >= end || (bytes[start]! & 0x1f) !== NAL.stapA) return isKeyType(firstType(bytes, start, end))
  for (let at = start + 1; at + 2 < end; at += 2 + ((bytes[at]! << 8) | bytes[at + 1]!)) {
    if (isKeyType(bytes[at + 2]! & 0x1f)) return true
  }
  return false
}

/**
 * first_mb_in_slice is 0 (its Exp-Golomb code is a single 1 bit) in the slice whose payload begins at `at`.
 */
const beginsPicture = (bytes: Uint8Array, at: number, end: number): boolean => at < end && bytes[at]! > 0x7f

const isHeadUnit = (type: number, bytes: Uint8Array, at: number, end: number): boolean =>
  type === NAL.sei ||
  type === NAL.sps ||
  type === NAL.delimiter ||
  ((type === NAL.slice || type === NAL.idr || type === 2) && beginsPicture(bytes, at, end))

/**
 * First packet of a frame: delimiter, SPS, SEI or the first slice of a picture. Only parameter sets may have
 * come before.
 */
export const isHeadH264Payload = (bytes: Uint8Array, start: number, end: number): boolean => {
  const type = firstType(bytes, start, end)
  const outer = start < end ? bytes[start]! & 0x1f : 0
  if (outer === NAL.stapA) return isHeadUnit(type, bytes, start + 4, end)
  if (outer !== NAL.fuA) return isHeadUnit(type, bytes, start + 1, end)
  const isStart = bytes[start + 1]! > 0x7f
  return isStart && isHeadUnit(type, bytes, start + 2, end)
}
