/** The part of Enhanced RTMP v2 (Veovera) that audio and video share: ModEx prefixes and multitrack. */
import { uint24 } from './packet.ts'

/** Packet type after all prefixes, and where the packets of the tracks begin. */
export interface ExHeader {
  packetType: number
  /** undefined: one track without an id, FourCC already read. */
  multitrack: Multitrack | undefined
  /** 0 while each track brings its own. */
  fourCc: number
  offsetNs: number
  at: number
}
export type Multitrack = 'one' | 'many' | 'many-codecs'

const MOD_EX = 7
const TIMESTAMP_OFFSET_NANO = 0
const multitracks: readonly Multitrack[] = ['one', 'many', 'many-codecs']

export const fourCc = (name: string): number =>
  ((name.charCodeAt(0) << 24) |
    (name.charCodeAt(1) << 16) |
    (name.charCodeAt(2) << 8) |
    name.charCodeAt(3)) >>>
  0

export const readFourCc = (body: Uint8Array, at: number): number =>
  ((body[at]! << 24) | uint24(body, at + 1)) >>> 0

/** A FourCC for people; bytes that are no letters are shown as numbers. */
export const fourCcName = (code: number): string => {
  const bytes = [code >>> 24, (code >>> 16) & 255, (code >>> 8) & 255, code & 255]
  const printable = bytes.every(byte => byte >= 0x20 && byte < 0x7f)
  return printable ? String.fromCharCode(...bytes) : `0x${code.toString(16).padStart(8, '0')}`
}

/** One ModEx prefix; returns the position after it, or -1 when it is cut short. */
const readModEx = (body: Uint8Array, header: ExHeader): number => {
  let at = header.at
  let size = at < body.length ? body[at]! + 1 : 0
  at += 1
  if (size === 256) {
    if (at + 2 > body.length) return -1
    size = ((body[at]! << 8) | body[at + 1]!) + 1
    at += 2
  }
  if (at + size >= body.length) return -1
  const next = body[at + size]!
  if (next >> 4 === TIMESTAMP_OFFSET_NANO && size >= 3) header.offsetNs = uint24(body, at)
  header.packetType = next & 15
  return at + size + 1
}

/**
 * Reads into `header` what stands between the first byte of an ex body and its packets. `multitrackType` is
 * the packet type that announces multitrack: 6 for video, 5 for audio. false: cut short or not known.
 */
export const readExHeader = (body: Uint8Array, header: ExHeader, multitrackType: number): boolean => {
  header.packetType = body[0]! & 15
  header.multitrack = undefined
  header.fourCc = 0
  header.offsetNs = 0
  header.at = 1
  while (header.packetType === MOD_EX) {
    header.at = readModEx(body, header)
    if (header.at < 0) return false
  }
  return header.packetType === multitrackType
    ? readMultitrack(body, header, multitrackType)
    : readCodec(body, header)
}

const readCodec = (body: Uint8Array, header: ExHeader): boolean => {
  if (header.at + 4 > body.length) return false
  header.fourCc = readFourCc(body, header.at)
  header.at += 4
  return true
}

const readMultitrack = (body: Uint8Array, header: ExHeader, multitrackType: number): boolean => {
  if (header.at >= body.length) return false
  const types = body[header.at]!
  header.multitrack = multitracks[types >> 4]
  header.packetType = types & 15
  header.at += 1
  // Multitrack inside multitrack, or a prefix after it, is not defined.
  if (
    header.multitrack === undefined ||
    header.packetType === multitrackType ||
    header.packetType === MOD_EX
  ) {
    return false
  }
  return header.multitrack === 'many-codecs' || readCodec(body, header)
}

export const createExHeader = (): ExHeader => ({
  packetType: 0,
  multitrack: undefined,
  fourCc: 0,
  offsetNs: 0,
  at: 0,
})

/** Called with the track, its FourCC and the bounds of its packet. */
export type ExTrackVisitor = (track: number, fourCc: number, start: number, end: number) => void

/**
 * Walks the packets that follow the header. false: a size points past the end; what came before was visited.
 */
export const visitExTracks = (body: Uint8Array, header: ExHeader, visit: ExTrackVisitor): boolean => {
  if (header.multitrack === undefined) {
    visit(0, header.fourCc, header.at, body.length)
    return true
  }
  let at = header.at
  do {
    const prefix = (header.multitrack === 'many-codecs' ? 4 : 0) + (header.multitrack === 'one' ? 1 : 4)
    if (at + prefix > body.length) return false
    const code = header.multitrack === 'many-codecs' ? readFourCc(body, at) : header.fourCc
    const idAt = at + (header.multitrack === 'many-codecs' ? 4 : 0)
    const start = at + prefix
    const end = header.multitrack === 'one' ? body.length : start + uint24(body, idAt + 1)
    if (end > body.length) return false
    visit(body[idAt]!, code, start, end)
    at = end
  } while (at < body.length)
  return true
}
