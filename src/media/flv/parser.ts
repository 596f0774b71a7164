/**
 * FLV bytes in, tags out, across damage: a lost tag boundary is found again by the size that stands before
 * and after.
 */
import { GatewayError } from '../../errors.ts'
import { createByteQueue } from './byte-queue.ts'
import { FILE_HEADER_BYTES, TAG_HEADER_BYTES, TRAILER_BYTES } from './file.ts'
import type { FlvTag, FlvTagType } from './types.ts'

export interface FlvParserEvents {
  /**
   * `position` is the offset of the tag's first byte from the first byte pushed. The body is never reused.
   */
  onTag(tag: FlvTag, position: number): void
  /** `bytes` were passed over. */
  onDamage(cause: string, bytes: number): void
}
export interface FlvParserLimits {
  /** Larger tags count as damage; the format itself ends at 16 MiB. */
  readonly maxTagBytes?: number
  /** This much without a tag ends the parsing. */
  readonly maxSkipBytes?: number
  /** false: the bytes begin at a tag, not at the file header. */
  readonly header?: boolean
}
/**
 * Memory stays below one tag plus the search window. Pushed bytes are kept by reference: never reuse them.
 */
export interface FlvParser {
  /** Throws 'malformed' when the bytes are not FLV, or when no tag was found within `maxSkipBytes`. */
  push(bytes: Uint8Array): void
  /** No more bytes: gives out a last tag that lacks its trailer, and says what was cut off. */
  end(): void
}

const isTagType = (type: number): type is FlvTagType => type === 8 || type === 9 || type === 18

/** E.4.1: two reserved bits are 0, StreamID is always 0. */
const isTagHeader = (bytes: Uint8Array, at: number): boolean =>
  (bytes[at]! & 0xc0) === 0 && bytes[at + 8] === 0 && bytes[at + 9] === 0 && bytes[at + 10] === 0

const uint24 = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
const uint32 = (bytes: Uint8Array, at: number): number => bytes[at]! * 0x1000000 + uint24(bytes, at + 1)

/** A known tag, whole, with the right PreviousTagSize after it. */
const isWholeTag = (bytes: Uint8Array, at: number): boolean => {
  if (!isTagType(bytes[at]!) || !isTagHeader(bytes, at)) return false
  const end = at + TAG_HEADER_BYTES + uint24(bytes, at + 1)
  return end + TRAILER_BYTES <= bytes.length && uint32(bytes, end) === end - at
}

export const createFlvParser = (events: FlvParserEvents, limits: FlvParserLimits = {}): FlvParser => {
  const maxTagBytes = limits.maxTagBytes ?? 0xffffff
  const maxSkipBytes = limits.maxSkipBytes ?? 4 << 20
  const queue = createByteQueue()
  let state: 'file-header' | 'tag' | 'search' = limits.header === false ? 'tag' : 'file-header'
  let ended = false
  let need = state === 'tag' ? TAG_HEADER_BYTES : FILE_HEADER_BYTES

  const readFileHeader = (): void => {
    const bytes = queue.peek(FILE_HEADER_BYTES)
    if (bytes[0] !== 0x46 || bytes[1] !== 0x4c || bytes[2] !== 0x56) {
      throw new GatewayError('malformed', 'this is not FLV, the signature is missing')
    }
    const size = uint32(bytes, 5)
    if (size < FILE_HEADER_BYTES || size > 1024) {
      throw new GatewayError('malformed', `an FLV header of ${size} bytes, it has ${FILE_HEADER_BYTES}`)
    }
    need = size + TRAILER_BYTES
    if (queue.length < need) return
    queue.skip(need)
    state = 'tag'
    need = TAG_HEADER_BYTES
  }

  const emit = (size: number): void => {
    const position = queue.position
    const header = queue.peek(TAG_HEADER_BYTES)
    const type = header[0]! & 0x1f
    const filtered = (header[0]! & 0x20) !== 0
    const timestampMs = header[7]! * 0x1000000 + uint24(header, 4)
    queue.skip(TAG_HEADER_BYTES)
    const body = queue.peek(size)
    queue.skip(size)
    if (filtered) events.onDamage('encrypted tag', size)
    else if (isTagType(type)) events.onTag({ type, timestampMs, body }, position)
    else events.onDamage(`tag type ${type}`, size)
    queue.skip(Math.min(TRAILER_BYTES, queue.length))
    need = TAG_HEADER_BYTES
  }

  const lose = (): void => {
    state = 'search'
    need = 0
  }

  const readTag = (): void => {
    const header = queue.peek(TAG_HEADER_BYTES)
    const size = uint24(header, 1)
    const end = TAG_HEADER_BYTES + size
    const whole = end + TRAILER_BYTES
    if (!isTagHeader(header, 0) || size > maxTagBytes) lose()
    else if (queue.length >= whole && uint32(queue.peek(whole), end) === end) emit(size)
    else if (ended) queue.length >= end ? emit(size) : lose()
    else if (queue.length < whole) need = whole
    else readOddTag(size, whole)
  }

  /** Muxers that write a wrong PreviousTagSize exist: the next header decides. */
  const readOddTag = (size: number, whole: number): void => {
    need = whole + TAG_HEADER_BYTES
    if (queue.length < need) return
    const next = queue.peek(need)
    if (isTagHeader(next, whole) && isTagType(next[whole]! & 0x1f)) emit(size)
    else lose()
  }

  const search = (): void => {
    const bytes = queue.peek(queue.length)
    for (let at = 1; at + TAG_HEADER_BYTES + TRAILER_BYTES <= bytes.length; at++) {
      if (!isWholeTag(bytes, at)) continue
      resume(at)
      return
    }
    if (bytes.length > maxSkipBytes) {
      throw new GatewayError('malformed', `no FLV tag found in ${bytes.length} bytes after damage`)
    }
    // Doubling keeps the whole search linear.
    need = ended ? Number.POSITIVE_INFINITY : Math.max(2 * bytes.length, 4096)
  }

  const resume = (skipped: number): void => {
    events.onDamage('lost tag boundary', skipped)
    queue.skip(skipped)
    state = 'tag'
    need = TAG_HEADER_BYTES
  }

  const run = (): void => {
    while (queue.length >= need) {
      if (state === 'file-header') readFileHeader()
      else if (state === 'tag') readTag()
      else search()
    }
  }

  return {
    push(bytes) {
      queue.push(bytes)
      run()
    },
    end() {
      if (state === 'file-header') throw new GatewayError('malformed', 'it ended before the FLV header did')
      ended = true
      need = state === 'search' ? 0 : TAG_HEADER_BYTES
      run()
      if (queue.length > 0) events.onDamage('truncated at the end', queue.length)
      queue.skip(queue.length)
    },
  }
}
