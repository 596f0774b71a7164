/** VP9 payload descriptor, RFC 9628 section 4.2. */

export interface Vp9Descriptor {
  /** Bytes of the descriptor. */
  readonly size: number
  /** Depends on earlier frames (P). */
  readonly interPredicted: boolean
  readonly startOfFrame: boolean
  readonly endOfFrame: boolean
  readonly spatialId: number
}

/** Bytes of the scalability structure at `at`; -1 when it reaches past the end. */
const structureSize = (bytes: Uint8Array, at: number, end: number): number => {
  if (at >= end) return -1
  const layers = (bytes[at]! >> 5) + 1
  let size = 1 + (bytes[at]! & 0x10 ? layers * 4 : 0)
  if (bytes[at]! & 0x08) {
    if (at + size >= end) return -1
    const pictures = bytes[at + size]!
    size += 1
    for (let i = 0; i < pictures; i += 1) {
      if (at + size >= end) return -1
      size += 1 + ((bytes[at + size]! >> 2) & 3)
    }
  }
  return at + size > end ? -1 : size
}

/** Where the reference indices of flexible mode end, at most three. */
const skipReferences = (bytes: Uint8Array, from: number, end: number): number => {
  let at = from
  for (let i = 0; i < 3 && at < end; i += 1) {
    at += 1
    if ((bytes[at - 1]! & 1) === 0) break
  }
  return at
}

/** undefined: cut short. */
export const readVp9Descriptor = (
  bytes: Uint8Array,
  start: number,
  end: number,
): Vp9Descriptor | undefined => {
  if (start >= end) return undefined
  const flags = bytes[start]!
  const hasPictureId = (flags & 0x80) !== 0
  const interPredicted = (flags & 0x40) !== 0
  const flexible = (flags & 0x10) !== 0
  let at = start + 1
  let spatialId = 0
  if (hasPictureId) at += at < end && bytes[at]! & 0x80 ? 2 : 1
  if (flags & 0x20) {
    spatialId = at < end ? (bytes[at]! >> 1) & 7 : 0
    at += flexible ? 1 : 2
  }
  if (flexible && interPredicted) at = skipReferences(bytes, at, end)
  if (flags & 0x02) {
    const size = structureSize(bytes, at, end)
    if (size === -1) return undefined
    at += size
  }
  if (at > end) return undefined
  const startOfFrame = (flags & 0x08) !== 0
  const endOfFrame = (flags & 0x04) !== 0
  return { size: at - start, interPredicted, startOfFrame, endOfFrame, spatialId }
}

/** First packet of a picture: start of a frame of the lowest spatial layer. */
export const isHeadVp9Payload = (bytes: Uint8Array, start: number, end: number): boolean => {
  if (start >= end || (bytes[start]! & 0x08) === 0) return false
  return (bytes[start]! & 0x20) === 0 || readVp9Descriptor(bytes, start, end)?.spatialId === 0
}

/** Of the uncompressed header, section 6.2 of the bitstream specification: a frame of its own, frame_type 0. */
const beginsKeyFrame = (first: number): boolean => {
  const isProfile3 = (first & 0x30) === 0x30
  return first >> 6 === 2 && (first & (isProfile3 ? 0x06 : 0x0c)) === 0
}

/**
 * First packet of a key picture: not inter-picture predicted, lowest spatial layer, and a key frame by its own header,
 * since some senders never say that a picture is predicted (ffmpeg's rtpenc_vp9.c).
 */
export const isKeyVp9Payload = (bytes: Uint8Array, start: number, end: number): boolean => {
  if (start >= end || (bytes[start]! & 0x48) !== 0x08) return false
  const descriptor = readVp9Descriptor(bytes, start, end)
  if (descriptor === undefined || descriptor.spatialId !== 0) return false
  const at = start + descriptor.size
  return at < end && beginsKeyFrame(bytes[at]!)
}
