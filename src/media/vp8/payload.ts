/** VP8 payload descriptor, RFC 7741 section 4.2. */

/** Bytes of the descriptor; -1 when it reaches past the end. */
export const vp8DescriptorSize = (bytes: Uint8Array, start: number, end: number): number => {
  let at = start + 1
  if (at <= end && bytes[start]! & 0x80) {
    const flags = at < end ? bytes[at]! : 0
    at += 1
    if (flags & 0x80) at += at < end && bytes[at]! & 0x80 ? 2 : 1
    if (flags & 0x40) at += 1
    if (flags & 0x30) at += 1
  }
  return at > end ? -1 : at - start
}

/** First packet of a frame: start of partition 0. */
export const isHeadVp8Payload = (bytes: Uint8Array, start: number, end: number): boolean =>
  start < end && (bytes[start]! & 0x17) === 0x10

/**
 * First packet of a key frame: the inverse key frame flag P of the frame header is 0, RFC 6386 section 9.1.
 */
export const isKeyVp8Payload = (bytes: Uint8Array, start: number, end: number): boolean => {
  if (!isHeadVp8Payload(bytes, start, end)) return false
  const size = vp8DescriptorSize(bytes, start, end)
  return size !== -1 && start + size < end && (bytes[start + size]! & 1) === 0
}
