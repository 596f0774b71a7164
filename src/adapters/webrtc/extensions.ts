import type { OfferedMedia } from './offer.ts'

/** Ids of the header extensions (RFC 8285) in use on an m-line. */
export interface ExtensionIds {
  /** RFC 9143: which m-line a packet belongs to. */
  readonly mid?: number
  /** draft-holmer-rmcat-transport-wide-cc-extensions: sequence number over all streams of a transport. */
  readonly transportWide?: number
}

export const EXTENSION_URIS: readonly (readonly [keyof ExtensionIds, string])[] = [
  ['mid', 'urn:ietf:params:rtp-hdrext:sdes:mid'],
  ['transportWide', 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01'],
]

/** One-byte headers only (RFC 8285 4.2): an id above 14 is not answered, so the offerer does not use it. */
const idOf = (media: OfferedMedia, uri: string): number | undefined =>
  media.extensions.find(extension => extension.uri === uri && extension.id <= 14)?.id

/** The offered extensions among those we use. Everything else (video-orientation!) stays unanswered on purpose. */
export const offeredExtensions = (
  media: OfferedMedia,
  wanted: readonly (keyof ExtensionIds)[],
): ExtensionIds =>
  Object.fromEntries(
    EXTENSION_URIS.filter(([key]) => wanted.includes(key))
      .map(([key, uri]) => [key, idOf(media, uri)] as const)
      .filter(([, id]) => id !== undefined),
  )

/**
 * The constant header extension block of a sent stream: the mid, in one-byte form, padded to 32 bits; empty when
 * the viewer did not offer it.
 */
export const midExtensionBlock = (id: number | undefined, mid: string): Uint8Array => {
  const text = Buffer.from(mid)
  if (id === undefined || text.length < 1 || text.length > 16) return new Uint8Array(0)
  const words = (1 + text.length + 3) >> 2
  const block = Buffer.alloc(4 + words * 4)
  block.writeUInt16BE(0xbede, 0)
  block.writeUInt16BE(words, 2)
  block[4] = (id << 4) | (text.length - 1)
  block.set(text, 5)
  return block
}

/** Where the element of an id begins in a packet's one-byte extension block (RFC 8285 4.2), and its length; 0: absent. */
const findElement = (
  bytes: Uint8Array,
  payloadStart: number,
  id: number,
): { at: number; length: number } | undefined => {
  if ((bytes[0]! & 0x10) === 0) return undefined
  let at = 12 + (bytes[0]! & 0x0f) * 4
  if (bytes[at] !== 0xbe || bytes[at + 1] !== 0xde) return undefined
  at += 4
  while (at < payloadStart) {
    const element = bytes[at]!
    const length = element === 0 ? 0 : (element & 15) + 1
    if (element >> 4 === id && id !== 0)
      return at + 1 + length <= payloadStart ? { at: at + 1, length } : undefined
    if (element >> 4 === 15) return undefined
    at += 1 + length
  }
  return undefined
}

/** Transport-wide sequence number of a packet; undefined when it carries none. */
export const readTransportSequence = (
  bytes: Uint8Array,
  payloadStart: number,
  id: number,
): number | undefined => {
  const found = findElement(bytes, payloadStart, id)
  return found === undefined || found.length < 2 ? undefined : (bytes[found.at]! << 8) | bytes[found.at + 1]!
}

/** The mid of a packet; undefined when it carries none. */
export const readMid = (bytes: Uint8Array, payloadStart: number, id: number): string | undefined => {
  const found = findElement(bytes, payloadStart, id)
  return found && Buffer.from(bytes.subarray(found.at, found.at + found.length)).toString('utf8')
}
