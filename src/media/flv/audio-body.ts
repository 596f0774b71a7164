/** AUDIODATA of FLV (E.4.2) and the ex audio header of Enhanced RTMP v2. */
import { createExHeader, fourCc, fourCcName } from './ex-header.ts'
import { createExReader, createReport } from './ex-reader.ts'
import { createPacket, type FlvCodec, type PacketRole, type PacketVisitor } from './packet.ts'

const EX_HEADER = 9
const TRUNCATED = 'truncated audio tag'
const MULTITRACK = 5
const MULTICHANNEL_CONFIG = 4

/** SoundFormat numbers that are carried on. */
const legacyCodecs: Readonly<Record<number, FlvCodec>> = {
  2: '.mp3',
  7: 'alaw',
  8: 'ulaw',
  10: 'mp4a',
  14: '.mp3',
}
/** The others, for refusals. */
const legacyNames: Readonly<Record<number, string>> = {
  0: 'pcm',
  1: 'adpcm',
  3: 'pcm',
  4: 'nellymoser',
  5: 'nellymoser',
  6: 'nellymoser',
  11: 'speex',
  15: 'device specific',
}
const soundRates = [5512, 11_025, 22_050, 44_100] as const

const MP4A = fourCc('mp4a')
const MP3 = fourCc('.mp3')
const OPUS = fourCc('Opus')

const audioCodec = (code: number): FlvCodec | undefined => {
  switch (code) {
    case MP4A:
      return 'mp4a'
    case MP3:
      return '.mp3'
    case OPUS:
      return 'Opus'
    default:
      return undefined
  }
}

const roles: readonly (PacketRole | undefined)[] = ['config', 'frame', 'end']

/**
 * G.711 in FLV is 8 kHz whatever SoundRate says; MP3 and AAC say their own rate, SoundFormat 14 is 8 kHz MP3.
 */
const soundRate = (format: number, flags: number): number =>
  format === 7 || format === 8 || format === 14 ? 8000 : soundRates[(flags >> 2) & 3]!

/** Reads bodies of audio tags. One per stream: the packet it lends is its own. */
export const createAudioBodyReader = (visitor: PacketVisitor): ((body: Uint8Array) => void) => {
  const packet = createPacket()
  packet.key = true
  const header = createExHeader()
  let current: Uint8Array = new Uint8Array(0)

  /** Returns the cause when the body was dropped. */
  const readLegacy = (body: Uint8Array): string | undefined => {
    const format = body[0]! >> 4
    const codec = legacyCodecs[format]
    if (codec === undefined) {
      return `audio codec ${legacyNames[format] ?? format} is not supported`
    }
    const aac = codec === 'mp4a'
    if (body.length < (aac ? 2 : 1)) return TRUNCATED
    if (aac && body[1]! > 1) return `audio packet type ${body[1]}`
    packet.track = 0
    packet.codec = codec
    packet.role = aac && body[1] === 0 ? 'config' : 'frame'
    packet.offsetNs = 0
    packet.sampleRate = soundRate(format, body[0]!)
    packet.channels = (body[0]! & 1) + 1
    packet.start = aac ? 2 : 1
    packet.end = body.length
    visitor.onPacket(packet, body)
    return undefined
  }

  const readTrack = (track: number, code: number, start: number, end: number): string | undefined => {
    const codec = audioCodec(code)
    const role = roles[header.packetType]
    if (codec === undefined) return `audio codec ${fourCcName(code)} is not supported`
    // Channel order of more than two channels: the codec configuration says it too.
    if (header.packetType === MULTICHANNEL_CONFIG) return undefined
    if (role === undefined) return `audio packet type ${header.packetType}`
    packet.track = track
    packet.codec = codec
    packet.role = role
    packet.sampleRate = 0
    packet.channels = 0
    packet.start = start
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
    if (body.length === 0) return 'empty audio tag'
    return body[0]! >> 4 === EX_HEADER ? readEx(body) : readLegacy(body)
  }

  return body => report(read(body))
}
