/** What a program map says of the codec of a stream. */
import type { StreamEntry } from './program.ts'

export type TsCodec = 'h264' | 'h265' | 'aac' | 'mpeg-audio' | 'opus mono' | 'opus stereo'

/** stream_type, ISO/IEC 13818-1 table 2-34. */
const TYPES: ReadonlyMap<number, TsCodec> = new Map([
  [0x03, 'mpeg-audio'],
  [0x04, 'mpeg-audio'],
  [0x0f, 'aac'],
  [0x1b, 'h264'],
  [0x24, 'h265'],
])

/** For reasons; those that are no media at all have no name here and are passed over in silence. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [0x01, 'MPEG-1 video'],
  [0x02, 'MPEG-2 video'],
  [0x10, 'MPEG-4 part 2 video'],
  [0x11, 'AAC in LATM'],
  [0x1c, 'MPEG-4 audio without a transport'],
  [0x1f, 'H.264 SVC'],
  [0x20, 'H.264 MVC'],
  [0x21, 'JPEG 2000'],
  [0x32, 'JPEG XS'],
  [0x33, 'H.266'],
  [0x42, 'AVS'],
  [0x81, 'AC-3'],
  [0x82, 'DTS'],
  [0x84, 'E-AC-3'],
  [0x87, 'E-AC-3'],
  [0xd1, 'Dirac'],
])
/** Sections, metadata and splice points: no picture and no sound. */
const DATA_TYPES: ReadonlySet<number> = new Set([
  0x05, 0x08, 0x0a, 0x0b, 0x0c, 0x0d, 0x15, 0x16, 0x17, 0x18, 0x19, 0x86,
])

const PRIVATE_DATA = 0x06
const REGISTRATION = 0x05
/** By the descriptors that DVB puts beside private data (EN 300 468 table 12). */
const PRIVATE_NAMES: ReadonlyMap<number, string> = new Map([
  [0x56, 'teletext'],
  [0x59, 'DVB subtitles'],
  [0x6a, 'AC-3'],
  [0x7a, 'E-AC-3'],
  [0x7b, 'DTS'],
])

const registrationOf = ({ descriptors }: StreamEntry): string | undefined => {
  const found = descriptors.find(({ tag, data }) => tag === REGISTRATION && data.length >= 4)
  const text = found && String.fromCharCode(...found.data.subarray(0, 4))
  return text !== undefined && /^[\x20-\x7e]{4}$/.test(text) ? text.trim() : undefined
}

const privateName = (entry: StreamEntry): string => {
  const registration = registrationOf(entry)
  if (registration !== undefined) return registration
  const named = entry.descriptors.find(({ tag }) => PRIVATE_NAMES.has(tag))
  return named === undefined ? 'private data' : PRIVATE_NAMES.get(named.tag)!
}

/** channel_config_code of the Opus extension descriptor (ETSI TS 103 491 5.2.4): 1 mono, 2 stereo; 2 when it is absent. */
const opusChannels = ({ descriptors }: StreamEntry): number => {
  const extension = descriptors.find(({ tag, data }) => tag === 0x7f && data[0] === 0x80)
  return extension?.data[1] ?? 2
}

/** `codec`, or why there is none ("MPEG-2 video"). */
export type StreamRole = { readonly codec: TsCodec } | { readonly unsupported: string }

const privateRole = (entry: StreamEntry): StreamRole => {
  const registration = registrationOf(entry)
  if (registration === 'HEVC') return { codec: 'h265' }
  if (registration !== 'Opus') return { unsupported: privateName(entry) }
  const channels = opusChannels(entry)
  if (channels === 1 || channels === 2) return { codec: channels === 1 ? 'opus mono' : 'opus stereo' }
  return { unsupported: `Opus with channel configuration ${channels}` }
}

/** undefined for what is neither picture nor sound. */
export const roleOf = (entry: StreamEntry): StreamRole | undefined => {
  const codec = TYPES.get(entry.type)
  if (codec !== undefined) return { codec }
  if (DATA_TYPES.has(entry.type)) return undefined
  if (entry.type === PRIVATE_DATA) return privateRole(entry)
  return { unsupported: NAMES.get(entry.type) ?? `stream type 0x${entry.type.toString(16)}` }
}

export const kindOfStream = (codec: TsCodec): 'video' | 'audio' =>
  codec === 'h264' || codec === 'h265' ? 'video' : 'audio'
