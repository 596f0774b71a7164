/**
 * VIDEODATA of FLV (E.4.3) with the legacy CodecID 12 for HEVC, and the ex video header of Enhanced RTMP v2.
 */
import { createExHeader, fourCc, fourCcName } from './ex-header.ts'
import { createExReader, createReport } from './ex-reader.ts'
import { createPacket, type FlvCodec, int24, type PacketRole, type PacketVisitor } from './packet.ts'

const TRUNCATED = 'truncated video tag'
const MULTITRACK = 6
const KEY = 1
const COMMAND = 5

/** CodecID of the legacy header, for refusals. */
const legacyNames: Readonly<Record<number, string>> = {
  1: 'jpeg',
  2: 'h263',
  3: 'screen',
  4: 'vp6',
  5: 'vp6a',
  6: 'screen2',
}

const AVC1 = fourCc('avc1')
const HVC1 = fourCc('hvc1')
const AV01 = fourCc('av01')
const VP09 = fourCc('vp09')
const VP08 = fourCc('vp08')

const videoCodec = (code: number): FlvCodec | undefined => {
  switch (code) {
    case AVC1:
      return 'avc1'
    case HVC1:
      return 'hvc1'
    case AV01:
      return 'av01'
    case VP09:
      return 'vp09'
    case VP08:
      return 'vp08'
    default:
      return undefined
  }
}

/**
 * By ex packet type; 5 is the sequence start of AV1 in MPEG-2 TS form, 1 has a composition time for H.264 and
 * HEVC.
 */
const roles: readonly (PacketRole | undefined)[] = ['config', 'frame', 'end', 'frame', 'metadata']
const CODED_FRAMES = 1
const METADATA = 4
const MPEG2TS_START = 5

/** Reads bodies of video tags. One per stream: the packet it lends is its own. */
export const createVideoBodyReader = (visitor: PacketVisitor): ((body: Uint8Array) => void) => {
  const packet = createPacket()
  const header = createExHeader()
  let current: Uint8Array = new Uint8Array(0)

  /** Returns the cause when the body was dropped. */
  const readLegacy = (body: Uint8Array): string | undefined => {
    const codec = body[0]! & 15
    if (codec !== 7 && codec !== 12) {
      return `video codec ${legacyNames[codec] ?? codec} is not supported`
    }
    if (body.length < 5) return TRUNCATED
    const role = roles[body[1]!]
    if (role === undefined || body[1]! > 2) return `video packet type ${body[1]}`
    packet.track = 0
    packet.codec = codec === 7 ? 'avc1' : 'hvc1'
    packet.role = role
    packet.compositionMs = int24(body, 2)
    packet.offsetNs = 0
    packet.start = 5
    packet.end = body.length
    visitor.onPacket(packet, body)
    return undefined
  }

  const readTrack = (track: number, code: number, start: number, end: number): string | undefined => {
    const codec = videoCodec(code)
    const role = roles[header.packetType]
    if (header.packetType === MPEG2TS_START) {
      return `${fourCcName(code)} in MPEG-2 TS form is not supported`
    }
    if (codec === undefined) return `video codec ${fourCcName(code)} is not supported`
    if (role === undefined) return `video packet type ${header.packetType}`
    const timed = header.packetType === CODED_FRAMES && (codec === 'avc1' || codec === 'hvc1')
    if (timed && end - start < 3) return TRUNCATED
    packet.track = track
    packet.codec = codec
    packet.role = role
    packet.compositionMs = timed ? int24(current, start) : 0
    packet.start = timed ? start + 3 : start
    packet.end = end
    visitor.onPacket(packet, current)
    return undefined
  }

  const report = createReport(visitor, TRUNCATED)
  const begin = (body: Uint8Array): void => {
    packet.offsetNs = header.offsetNs
    current = body
  }
  const readEx = createExReader(
    { header, multitrackType: MULTITRACK, truncated: TRUNCATED, begin, readTrack },
    report,
  )

  const read = (body: Uint8Array): string | undefined => {
    if (body.length === 0) return 'empty video tag'
    const ex = (body[0]! & 0x80) !== 0
    const frameType = (body[0]! >> 4) & 7
    packet.key = frameType === KEY
    // E.4.3.1: a command frame is a player's seek mark, not a picture.
    if (frameType === COMMAND && (!ex || (body[0]! & 15) !== METADATA)) return undefined
    return ex ? readEx(body) : readLegacy(body)
  }

  return body => report(read(body))
}
