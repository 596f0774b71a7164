/** A source described by a session description: as ffmpeg's -sdp_file, a camera or an application writes it. */
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { GatewayError } from '../../errors.ts'
import { attributeOf, attributesOf, codecsOf, directionOf } from '../../media/sdp/attributes.ts'
import { parseCrypto } from '../../media/sdp/crypto.ts'
import { parseSdp } from '../../media/sdp/parse.ts'
import type { SdpMedia, SdpSession } from '../../media/sdp/types.ts'
import type { MulticastMembership, SdesKeys } from '../../rtp-session/plain/types.ts'
import type { RtpConfig } from './config.ts'
import { isMulticast } from './described.ts'
import type { LineFormat, SourceDescription, SourceLine } from './description.ts'
import { lineFormat } from './line-format.ts'
import { COMMON_OPTIONS, checkNames, readOptions } from './query.ts'

const malformed = (detail: string): GatewayError => new GatewayError('malformed', `SDP: ${detail}`)

/** `IN IP4 239.1.2.3/127` or `IN IP6 ::1`: the address that the sender sends to. */
const connectionAddress = (session: SdpSession, media: SdpMedia): string | undefined => {
  const [, , address = ''] = (media.connection ?? session.connection ?? '').split(/\s+/)
  const ip = address.split('/')[0]!
  return isIP(ip) === 0 ? undefined : ip
}

/** The sender's destination where it is this machine's, else every address: it may be outside of a NAT. */
const listenAddress = (destination: string | undefined): string => {
  if (destination === undefined) return '0.0.0.0'
  const own = Object.values(networkInterfaces()).flatMap(list => list?.map(({ address }) => address) ?? [])
  if (isMulticast(destination) || own.includes(destination)) return destination
  return isIP(destination) === 6 ? '::' : '0.0.0.0'
}

/** `incl IN IP4 239.1.2.3 10.0.0.5` (RFC 4570). */
const filteredSource = (media: SdpMedia, session: SdpSession): string | undefined => {
  const filter = attributeOf(media, 'source-filter') ?? attributeOf(session, 'source-filter')
  const [mode, , , , source] = filter?.trim().split(/\s+/) ?? []
  return mode === 'incl' && isIP(source ?? '') !== 0 ? source : undefined
}

const membership = (group: string, source: string | undefined, via: string | null): MulticastMembership => ({
  group,
  ...(via !== null && { interface: via }),
  ...(source !== undefined && { source }),
})

/** The sender's key; what we report goes back under the same. */
const keysOf = (media: SdpMedia): SdesKeys | undefined => {
  const found = attributesOf(media, 'crypto').map(parseCrypto)
  const crypto = found.find(key => key !== undefined)
  if (crypto !== undefined) return { suite: crypto.suite, local: crypto.keySalt, remote: crypto.keySalt }
  if (!/SAVP/.test(media.protocol)) return undefined
  throw malformed(`m=${media.kind} is ${media.protocol}, and no a=crypto line is one that is understood`)
}

const formatsOf = (media: SdpMedia): readonly LineFormat[] => {
  const codecs = codecsOf(media)
  const formats = codecs.map(lineFormat).filter(format => format !== undefined)
  if (formats.length > 0) return formats
  const names = codecs.map(({ name }) => name).join(', ') || media.formats.join(', ')
  throw new GatewayError('unsupported-codec', `m=${media.kind} ${media.port}: ${names} is not read`)
}

const rtcpPortOf = (media: SdpMedia): number | null | undefined => {
  if (attributeOf(media, 'rtcp-mux') !== undefined) return null
  const port = Number(/^\d{1,5}/.exec(attributeOf(media, 'rtcp') ?? '')?.[0] ?? 0)
  if (port === media.port) return null
  return port > 0 && port < 65_536 ? port : undefined
}

const lineOf = (session: SdpSession, media: SdpMedia, via: string | null): SourceLine => {
  if (!/^RTP\/S?AVPF?$/.test(media.protocol))
    throw malformed(`m=${media.kind} is ${media.protocol}; RTP/AVP, AVPF, SAVP and SAVPF are read`)
  const host = listenAddress(connectionAddress(session, media))
  const formats = formatsOf(media)
  return {
    name: formats[0]!.params?.kind ?? 'transport stream',
    host,
    port: media.port,
    rtcpPort: rtcpPortOf(media),
    formats,
    feedback: codecsOf(media)[0]?.feedback ?? [],
    multicast: isMulticast(host) ? membership(host, filteredSource(media, session), via) : undefined,
    sdes: keysOf(media),
  }
}

const checkPorts = (lines: readonly SourceLine[]): void => {
  const ports = lines.map(({ port }) => port)
  const twice = ports.find((port, index) => ports.indexOf(port) !== index)
  if (twice !== undefined)
    throw malformed(`two m-lines on port ${twice}: each needs a port of its own, two above the last`)
}

/** Mandatory (RFC 8866 5.2), yet missing in many that were written by hand; players ask for none. */
const withOrigin = (text: string): string =>
  /^o=/m.test(text) ? text : text.replace(/^v=0\r?\n/, '$&o=- 0 0 IN IP4 0.0.0.0\n')

/**
 * @param label where the text is from, for people
 * @throws GatewayError 'malformed', 'unsupported-codec', 'bad-url'
 */
export const parseSdpSource = (
  text: string,
  label: string,
  query: URLSearchParams,
  config: RtpConfig,
): SourceDescription => {
  checkNames(query, COMMON_OPTIONS)
  const session = parseSdp(withOrigin(text))
  const used = session.media.filter(
    media =>
      media.port > 0 &&
      (media.kind === 'audio' || media.kind === 'video') &&
      directionOf(media, session) !== 'inactive',
  )
  if (used.length === 0) throw malformed('it has no m=audio or m=video line with a port')
  const lines = used.map(media => lineOf(session, media, query.get('interface')))
  checkPorts(lines)
  return { label, lines, options: readOptions(query, config) }
}
