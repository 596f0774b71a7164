/** `rtp://HOST:PORT?video=h264&audio=opus`: where a stream is sent as plain RTP, and what the receiver takes. */
import { GatewayError } from '../../errors.ts'
import { KEY_SALT_BYTES, type SdpCrypto } from '../../media/sdp/crypto.ts'
import type { CodecId, Kind } from '../../media/types.ts'
import { checkNames, readFlag, readNumber, readPort } from './query.ts'
import { readFeedback, readKeys } from './url.ts'

type MediaKind = Extract<Kind, 'video' | 'audio'>

/** What goes to one port. */
export interface PushLine {
  readonly kind: MediaKind
  /** Best first, where the source could be copied as any of them. */
  readonly codecs: readonly CodecId[]
  readonly port: number
  readonly rtcpPort: number
  /** undefined: the static one of the format, else 96 for pictures and 97 for sound. */
  readonly payloadType: number | undefined
  /** What sound is brought to; undefined: as it is. */
  readonly clockRate: number | undefined
  readonly channels: number | undefined
}

export interface PushTarget {
  /** For people and logs: no keys. */
  readonly label: string
  readonly host: string
  readonly lines: readonly PushLine[]
  readonly rtcpMux: boolean
  readonly feedback: readonly string[]
  /** RTP packet with its header, bytes. */
  readonly packetBytes: number
  readonly ttl: number
  /** IP address that multicast leaves by. */
  readonly via: string | undefined
  readonly crypto: SdpCrypto | undefined
  /** Where the description is written. */
  readonly sdpFile: string | undefined
}

const CODECS: Readonly<Record<MediaKind, readonly CodecId[]>> = {
  video: ['h264', 'h265', 'vp8', 'vp9', 'av1'],
  audio: ['opus', 'aac', 'pcmu', 'pcma', 'g722', 'l16'],
}
const KINDS = ['video', 'audio'] as const
const LINE_OPTIONS = ['pt', 'port', 'clock', 'channels'] as const
export const PUSH_OPTIONS: readonly string[] = [
  ...['codec', 'pt', 'clock', 'channels', ...KINDS],
  ...KINDS.flatMap(kind => LINE_OPTIONS.map(name => `${kind}-${name}`)),
  ...['mux', 'rtcp-port', 'feedback', 'srtp', 'ttl', 'interface', 'pkt_size', 'sdp'],
]
/** As much as a path of WebRTC carries, so that both share one packetiser. */
const PACKET_BYTES = 1200
const MIN_PACKET_BYTES = 200
const MAX_PACKET_BYTES = 9000

const bad = (detail: string): GatewayError => new GatewayError('bad-url', detail)

const isCodecOf = (kind: MediaKind, name: string): name is CodecId =>
  (CODECS[kind] as readonly string[]).includes(name)

/** `h264`, or `h264,vp8`: the first is what others are transcoded to. */
const readCodecs = (kind: MediaKind, text: string): readonly CodecId[] =>
  text.split(',').map(name => {
    if (isCodecOf(kind, name)) return name
    throw bad(`${name} is not sent as ${kind}; known are ${CODECS[kind].join(', ')}`)
  })

interface Wanted {
  readonly kind: MediaKind
  readonly prefix: string
  readonly codecs: readonly CodecId[]
}

/** Kinds that are named; without any name, both, in whatever codec the source has. */
const wantedKinds = (query: URLSearchParams): readonly Wanted[] => {
  const single = query.get('codec')
  const named = KINDS.filter(kind => query.has(kind))
  if (single !== null && named.length > 0) throw bad('codec is for one stream alone; two are video and audio')
  if (single !== null) {
    const kind = KINDS.find(one => isCodecOf(one, single.split(',')[0]!)) ?? 'video'
    return [{ kind, prefix: '', codecs: readCodecs(kind, single) }]
  }
  if (named.length === 0) return KINDS.map(kind => ({ kind, prefix: `${kind}-`, codecs: CODECS[kind] }))
  return named.map(kind => ({ kind, prefix: `${kind}-`, codecs: readCodecs(kind, query.get(kind)!) }))
}

const readLines = (url: URL): readonly PushLine[] => {
  const query = url.searchParams
  const isMux = readFlag(query, 'mux')
  return wantedKinds(query).map(({ kind, prefix, codecs }, index): PushLine => {
    const port = readPort(query, `${prefix}port`) ?? Number(url.port) + index * 2
    const rtcpPort = (index === 0 ? readPort(query, 'rtcp-port') : undefined) ?? port + 1
    if (port > 65_535 || rtcpPort > 65_535) throw bad(`there is no port ${Math.max(port, rtcpPort)}`)
    return {
      ...{ kind, codecs, port, rtcpPort: isMux ? port : rtcpPort },
      payloadType: readNumber(query, `${prefix}pt`, 0, 127),
      clockRate: readNumber(query, `${prefix}clock`, 8000, 96_000),
      channels: readNumber(query, `${prefix}channels`, 1, 8),
    }
  })
}

const checkPorts = (lines: readonly PushLine[]): void => {
  const ports = lines.flatMap(({ port, rtcpPort }) => (port === rtcpPort ? [port] : [port, rtcpPort]))
  const twice = ports.find((port, index) => ports.indexOf(port) !== index)
  if (twice !== undefined) throw bad(`port ${twice} is taken twice`)
}

/** `SUITE:BASE64`, or the suite alone for a key of our own making. */
const readCrypto = (query: URLSearchParams, random: (bytes: number) => Uint8Array): SdpCrypto | undefined => {
  const text = query.get('srtp')
  if (text === null) return undefined
  if (text === 'AES_CM_128_HMAC_SHA1_80' || text === 'AES_CM_128_HMAC_SHA1_32')
    return { tag: 1, suite: text, keySalt: random(KEY_SALT_BYTES) }
  const { suite, local } = readKeys(query)!
  return { tag: 1, suite, keySalt: local }
}

/** No other file can be written over. */
const readSdpFile = (query: URLSearchParams): string | undefined => {
  const name = query.get('sdp')
  if (name === null || /\.sdp$/i.test(name)) return name ?? undefined
  throw bad('sdp is the name of a file that ends in .sdp')
}

/**
 * @param random makes the key where only a suite is given
 * @throws GatewayError 'bad-url' that names the option
 */
export const parsePushUrl = (url: URL, random: (bytes: number) => Uint8Array): PushTarget => {
  const query = url.searchParams
  if (url.pathname !== '' && url.pathname !== '/') throw bad(`an RTP address has no path ${url.pathname}`)
  if (url.port === '' || url.port === '0') throw bad('an RTP address needs a port')
  if (url.hostname === '') throw bad('an RTP address needs a host to send to')
  checkNames(query, PUSH_OPTIONS)
  const lines = readLines(url)
  checkPorts(lines)
  return {
    label: `rtp ${url.host}`,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    lines,
    rtcpMux: readFlag(query, 'mux'),
    feedback: readFeedback(query),
    packetBytes: readNumber(query, 'pkt_size', MIN_PACKET_BYTES, MAX_PACKET_BYTES) ?? PACKET_BYTES,
    ttl: readNumber(query, 'ttl', 0, 255) ?? 16,
    via: query.get('interface') ?? undefined,
    crypto: readCrypto(query, random),
    sdpFile: readSdpFile(query),
  }
}
