/** Writes one m-line of this end, for offers and answers alike. */
import { formatCrypto, type SdpCrypto } from '../../../media/sdp/crypto.ts'
import type { Direction, SdpAttribute, SdpMedia } from '../../../media/sdp/types.ts'
import { connectionFor } from './described.ts'
import type { LocalLine } from './types.ts'

export interface OwnFormat {
  readonly payloadType: number
  readonly rtpmap: string
  /** '' for none. */
  readonly fmtp: string
}

export interface OwnLine {
  readonly kind: 'audio' | 'video'
  readonly protocol: string
  readonly address: string
  readonly local: LocalLine
  /** Codecs, then telephone events. */
  readonly formats: readonly OwnFormat[]
  readonly direction: Direction
  readonly ptimeMs: number
  readonly rtcpMux: boolean
  readonly cryptos: readonly SdpCrypto[]
  readonly feedback: readonly string[]
}

const attribute = (name: string, value?: string): SdpAttribute => ({ name, value })

const formatLines = ({ payloadType, rtpmap, fmtp }: OwnFormat): readonly SdpAttribute[] => [
  attribute('rtpmap', `${payloadType} ${rtpmap}`),
  ...(fmtp === '' ? [] : [attribute('fmtp', `${payloadType} ${fmtp}`)]),
]

const feedbackLines = ({ formats, feedback }: OwnLine): readonly SdpAttribute[] =>
  formats.flatMap(({ payloadType }) => feedback.map(each => attribute('rtcp-fb', `${payloadType} ${each}`)))

/** RFC 3605: said only where it is not the port that everybody expects. */
const rtcpLines = ({ local, rtcpMux }: OwnLine): readonly SdpAttribute[] => [
  ...(local.rtcpPort === local.port + 1 ? [] : [attribute('rtcp', String(local.rtcpPort))]),
  ...(rtcpMux ? [attribute('rtcp-mux')] : []),
]

export const ownLine = (line: OwnLine): SdpMedia => ({
  kind: line.kind,
  port: line.local.port,
  protocol: line.protocol,
  formats: line.formats.map(({ payloadType }) => String(payloadType)),
  connection: connectionFor(line.address),
  ...(line.local.bandwidthKbps !== undefined && { bandwidth: [`AS:${line.local.bandwidthKbps}`] }),
  attributes: [
    ...line.formats.flatMap(formatLines),
    ...feedbackLines(line),
    ...(line.kind === 'audio' ? [attribute('ptime', String(line.ptimeMs))] : []),
    ...rtcpLines(line),
    ...line.cryptos.map(crypto => attribute('crypto', formatCrypto(crypto))),
    attribute(line.direction),
  ],
})

/** RFC 3264 6: refused, and told nothing more. */
export const refusedLine = ({ kind, protocol, formats }: SdpMedia): SdpMedia => ({
  kind,
  port: 0,
  protocol,
  formats,
  connection: undefined,
  attributes: [],
})
