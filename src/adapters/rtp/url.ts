/** `rtp://HOST:PORT?codec=h264&pt=96`: a source described by its URL alone. */
import { isIP } from 'node:net'
import { GatewayError } from '../../errors.ts'
import { parseCrypto } from '../../media/sdp/crypto.ts'
import type { SdpCodec } from '../../media/sdp/types.ts'
import type { SdesKeys } from '../../rtp-session/plain/types.ts'
import type { RtpConfig } from './config.ts'
import { isMulticast } from './described.ts'
import type { LineFormat, SourceDescription, SourceLine } from './description.ts'
import { lineFormat } from './line-format.ts'
import { COMMON_OPTIONS, checkNames, readFlag, readNumber, readOptions, readPort } from './query.ts'

const bad = (detail: string): GatewayError => new GatewayError('bad-url', detail)

/** What each codec is called in SDP, and what it has where nothing is said. */
const CODECS: Readonly<Record<string, Omit<SdpCodec, 'fmtp' | 'feedback'>>> = {
  h264: { name: 'H264', payloadType: 96, clockRate: 90_000, channels: 1 },
  h265: { name: 'H265', payloadType: 96, clockRate: 90_000, channels: 1 },
  vp8: { name: 'VP8', payloadType: 96, clockRate: 90_000, channels: 1 },
  vp9: { name: 'VP9', payloadType: 96, clockRate: 90_000, channels: 1 },
  av1: { name: 'AV1', payloadType: 96, clockRate: 90_000, channels: 1 },
  opus: { name: 'opus', payloadType: 97, clockRate: 48_000, channels: 2 },
  aac: { name: 'mpeg4-generic', payloadType: 97, clockRate: 48_000, channels: 2 },
  pcmu: { name: 'PCMU', payloadType: 0, clockRate: 8000, channels: 1 },
  pcma: { name: 'PCMA', payloadType: 8, clockRate: 8000, channels: 1 },
  g722: { name: 'G722', payloadType: 9, clockRate: 8000, channels: 1 },
  l16: { name: 'L16', payloadType: 97, clockRate: 48_000, channels: 2 },
  mp2t: { name: 'MP2T', payloadType: 33, clockRate: 90_000, channels: 1 },
}
const KINDS = ['video', 'audio'] as const
const LINE_OPTIONS = ['pt', 'clock', 'channels', 'fmtp', 'sprop', 'port'] as const
const KNOWN = [
  'codec',
  ...LINE_OPTIONS.filter(name => name !== 'port'),
  ...KINDS,
  ...KINDS.flatMap(kind => LINE_OPTIONS.map(name => `${kind}-${name}`)),
  'mux',
  'rtcp-port',
  'source',
  'feedback',
  'srtp',
  ...COMMON_OPTIONS,
]

/** Short words for what a peer may be asked for. */
const FEEDBACK: Readonly<Record<string, string>> = { pli: 'nack pli', fir: 'ccm fir', nack: 'nack' }

export const readFeedback = (query: URLSearchParams): readonly string[] =>
  (query.get('feedback') ?? '')
    .split(',')
    .filter(word => word !== '')
    .map(word => {
      const found = FEEDBACK[word]
      if (found === undefined)
        throw bad(`feedback is any of ${Object.keys(FEEDBACK).join(', ')}, not ${word}`)
      return found
    })

/** `SUITE:BASE64`, as in a=crypto; its reports go back under the same key. */
export const readKeys = (query: URLSearchParams): SdesKeys | undefined => {
  const text = query.get('srtp')
  if (text === null) return undefined
  const [suite = '', key = ''] = text.split(':')
  // A plus sign in a query is a space to the URL parser.
  const crypto = parseCrypto(`1 ${suite} inline:${key.replaceAll(' ', '+')}`)
  if (crypto === undefined)
    throw bad('srtp is AES_CM_128_HMAC_SHA1_80 or AES_CM_128_HMAC_SHA1_32, a colon, and 30 bytes in Base64')
  return { suite: crypto.suite, local: crypto.keySalt, remote: crypto.keySalt }
}

const fmtpOf = (query: URLSearchParams, prefix: string, codec: string): string => {
  const sprop = query.get(`${prefix}sprop`)
  const fmtp = query.get(`${prefix}fmtp`) ?? ''
  if (sprop === null) return fmtp
  if (codec !== 'h264')
    throw bad(`${prefix}sprop holds the parameter sets of h264; use ${prefix}fmtp for ${codec}`)
  return [fmtp, `sprop-parameter-sets=${sprop.replaceAll(' ', '+')}`].filter(part => part !== '').join(';')
}

const readFormat = (query: URLSearchParams, prefix: string, codec: string): LineFormat => {
  const usual = CODECS[codec]
  if (usual === undefined)
    throw bad(`there is no codec ${codec}; known are ${Object.keys(CODECS).join(', ')}`)
  return lineFormat({
    name: usual.name,
    payloadType: readNumber(query, `${prefix}pt`, 0, 127) ?? usual.payloadType,
    clockRate: readNumber(query, `${prefix}clock`, 1, 1_000_000) ?? usual.clockRate,
    channels: readNumber(query, `${prefix}channels`, 1, 8) ?? usual.channels,
    fmtp: fmtpOf(query, prefix, codec),
    feedback: [],
  })!
}

/** The kinds that are named, each with the prefix of its options; one alone may go without. */
const linesNamed = (query: URLSearchParams): readonly { prefix: string; codec: string }[] => {
  const kinds = KINDS.flatMap(kind => {
    const codec = query.get(kind)
    return codec === null ? [] : [{ prefix: `${kind}-`, codec }]
  })
  const codec = query.get('codec')
  if (codec !== null && kinds.length > 0) throw bad('codec is for one stream alone; two are video and audio')
  if (codec === null && kinds.length === 0)
    throw bad(
      `what comes must be said: codec=…, or video=… and audio=…, of ${Object.keys(CODECS).join(', ')}`,
    )
  return codec === null ? kinds : [{ prefix: '', codec }]
}

/** The address to listen on. @throws GatewayError 'bad-url' */
export const listenHost = (url: URL): string => {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0) return host
  if (host === 'localhost') return '127.0.0.1'
  throw bad(`${host === '' ? 'the host' : host} is not an IP address to listen on, such as 0.0.0.0`)
}

/**
 * The second stream's port is two above the first's, behind its RTCP.
 * @throws GatewayError 'bad-url' that names the option, 'unsupported-codec'
 */
export const parseRtpUrl = (url: URL, config: RtpConfig): SourceDescription => {
  const query = url.searchParams
  if (url.pathname !== '' && url.pathname !== '/') throw bad(`an RTP address has no path ${url.pathname}`)
  if (url.port === '') throw bad('an RTP address needs a port')
  checkNames(query, KNOWN)
  const host = listenHost(url)
  const [mux, feedback, sdes] = [readFlag(query, 'mux'), readFeedback(query), readKeys(query)]
  const [group, via, source] = [isMulticast(host), query.get('interface'), query.get('source')]
  if (!group && (via !== null || source !== null)) throw bad('interface and source are for multicast groups')
  const multicast = group
    ? { group: host, ...(via !== null && { interface: via }), ...(source !== null && { source }) }
    : undefined
  const lines = linesNamed(query).map(({ prefix, codec }, index): SourceLine => {
    const format = readFormat(query, prefix, codec)
    const port = readPort(query, `${prefix}port`) ?? Number(url.port) + index * 2
    const rtcpPort = mux ? null : index === 0 ? readPort(query, 'rtcp-port') : undefined
    return {
      name: format.params?.kind ?? 'transport stream',
      ...{ host, port, rtcpPort, formats: [format], feedback, multicast, sdes },
    }
  })
  return { label: `rtp ${url.host}`, lines, options: readOptions(query, config) }
}
