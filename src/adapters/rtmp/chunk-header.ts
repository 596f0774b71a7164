/** Chunk headers, 5.3.1: basic header (1-3 bytes), message header (11, 7, 3 or 0), extended timestamp (0 or 4). */

export const MAX_CHUNK_HEADER = 3 + 11 + 4
export const EXTENDED = 0xff_ffff
const MESSAGE_HEADER_BYTES = [11, 7, 3, 0] as const

/** One object per reader, overwritten by every header: no allocation per chunk. */
export interface ChunkHeader {
  format: number
  chunkStreamId: number
  /** The 24-bit field, before an extended timestamp is looked at. Formats 0-2. */
  timestampField: number
  /** Formats 0 and 1. */
  length: number
  type: number
  /** Format 0. */
  streamId: number
  /** Bytes up to where an extended timestamp would begin. */
  size: number
}

export const createChunkHeader = (): ChunkHeader => ({
  format: 0,
  chunkStreamId: 0,
  timestampField: 0,
  length: 0,
  type: 0,
  streamId: 0,
  size: 0,
})

const u24 = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
/** The message stream id is the one little-endian number of RTMP. */
const u32le = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0

/** Reads basic and message header at `at`; false when `end` comes too early. */
export const readChunkHeader = (header: ChunkHeader, bytes: Uint8Array, at: number, end: number): boolean => {
  if (at >= end) return false
  const first = bytes[at]!
  const short = first & 0x3f
  const basic = short === 0 ? 2 : short === 1 ? 3 : 1
  const format = first >> 6
  const size = basic + MESSAGE_HEADER_BYTES[format as 0 | 1 | 2 | 3]
  if (at + size > end) return false
  header.format = format
  // 5.3.1.1: the two-byte form holds id - 64; the three-byte form too, its last byte counting 256s.
  header.chunkStreamId = basic === 1 ? short : 64 + bytes[at + 1]! + (basic === 3 ? bytes[at + 2]! * 256 : 0)
  const message = at + basic
  if (format <= 2) header.timestampField = u24(bytes, message)
  if (format <= 1) {
    header.length = u24(bytes, message + 3)
    header.type = bytes[message + 6]!
  }
  if (format === 0) header.streamId = u32le(bytes, message + 7)
  header.size = size
  return true
}
