/** One look at an H.265 RTP payload, RFC 7798 section 4.4; no depacketising. */
import { HEVC_NAL } from './units.ts'

const AP_FIRST_UNIT = 4
const FU_HEADER_AT = 2

/** Type of the first NAL unit that the payload carries or continues; -1 when there is none. */
const firstType = (bytes: Uint8Array, start: number, end: number): number => {
  if (start + 2 >= end) return -1
  const type = (bytes[start]! >> 1) & 0x3f
  if (type === HEVC_NAL.fragment) return bytes[start + FU_HEADER_AT]! & 0x3f
  if (type !== HEVC_NAL.aggregation) return type
  return start + AP_FIRST_UNIT < end ? (bytes[start + AP_FIRST_UNIT]! >> 1) & 0x3f : -1
}

const isKeyType = (type: number): boolean =>
  (type >= HEVC_NAL.firstIrap && type <= HEVC_NAL.lastIrap) || (type >= HEVC_NAL.vps && type <= HEVC_NAL.pps)

/** Part of a key frame: a slice of an IRAP picture, or parameter sets, which come in front of one. */
export const isKeyH265Payload = (bytes: Uint8Array, start: number, end: number): boolean => {
  if (isKeyType(firstType(bytes, start, end))) return true
  if (start >= end || ((bytes[start]! >> 1) & 0x3f) !== HEVC_NAL.aggregation) return false
  for (let at = start + 2; at + 2 < end; at += 2 + ((bytes[at]! << 8) | bytes[at + 1]!)) {
    if (isKeyType((bytes[at + 2]! >> 1) & 0x3f)) return true
  }
  return false
}

/**
 * First packet of a frame: delimiter, VPS, SEI or a slice with first_slice_segment_in_pic_flag. Only
 * parameter sets may have come before.
 */
export const isHeadH265Payload = (bytes: Uint8Array, start: number, end: number): boolean => {
  const type = firstType(bytes, start, end)
  if (type === -1) return false
  const outer = (bytes[start]! >> 1) & 0x3f
  if (outer === HEVC_NAL.fragment && bytes[start + FU_HEADER_AT]! < 0x80) return false
  if (type === HEVC_NAL.vps || type === HEVC_NAL.delimiter || type === HEVC_NAL.prefixSei) return true
  if (type > HEVC_NAL.lastVcl) return false
  const slice =
    start + (outer === HEVC_NAL.fragment ? 3 : outer === HEVC_NAL.aggregation ? AP_FIRST_UNIT + 2 : 2)
  return slice < end && bytes[slice]! > 0x7f
}
