/**
 * FLV file framing (Adobe Flash Video File Format 10.1, Annex E.2 to E.4.1): the header and the tags around
 * bodies.
 */
import { GatewayError } from '../../errors.ts'
import type { FlvTag, FlvTagType } from './types.ts'

export const FILE_HEADER_BYTES = 9
export const TAG_HEADER_BYTES = 11
/** PreviousTagSize, after every tag and after the file header. */
export const TRAILER_BYTES = 4
const MAX_BODY_BYTES = 0xffffff

/** The nine bytes of the header and the first PreviousTagSize, which is 0. */
export const writeFileHeader = (hasVideo: boolean, hasAudio: boolean): Uint8Array => {
  const flags = (hasAudio ? 4 : 0) | (hasVideo ? 1 : 0)
  return Uint8Array.of(0x46, 0x4c, 0x56, 1, flags, 0, 0, 0, FILE_HEADER_BYTES, 0, 0, 0, 0)
}

/**
 * The eleven bytes in front of a body. `timestampMs` is taken modulo 2^32. Throws 'limit-exceeded' above 16
 * MiB.
 */
export const writeTagHeader = (type: FlvTagType, timestampMs: number, bodyBytes: number): Uint8Array => {
  if (bodyBytes > MAX_BODY_BYTES) {
    throw new GatewayError('limit-exceeded', `a tag of ${bodyBytes} bytes, FLV allows ${MAX_BODY_BYTES}`)
  }
  const header = new Uint8Array(TAG_HEADER_BYTES)
  const view = new DataView(header.buffer)
  view.setUint32(0, (type << 24) | bodyBytes)
  const time = timestampMs >>> 0
  // E.4.1: the low 24 bits first, then TimestampExtended with the high 8.
  view.setUint32(4, ((time << 8) | (time >>> 24)) >>> 0)
  return header
}

/**
 * The tag as it lies in a file: header, body, PreviousTagSize. `timestampMs` replaces the tag's own when
 * given.
 */
export const writeTag = (tag: FlvTag, timestampMs = tag.timestampMs): Uint8Array => {
  const size = TAG_HEADER_BYTES + tag.body.length
  const bytes = new Uint8Array(size + TRAILER_BYTES)
  bytes.set(writeTagHeader(tag.type, timestampMs, tag.body.length))
  bytes.set(tag.body, TAG_HEADER_BYTES)
  new DataView(bytes.buffer).setUint32(size, size)
  return bytes
}
