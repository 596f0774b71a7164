/** What one m-line of the far side says, whichever of offer and answer it stands in. */
import { isIP } from 'node:net'
import { attributeOf, attributesOf, codecsOf, directionOf } from '../../../media/sdp/attributes.ts'
import { parseCrypto, type SdpCrypto } from '../../../media/sdp/crypto.ts'
import type { Direction, SdpMedia, SdpSession } from '../../../media/sdp/types.ts'

export interface DescribedLine {
  readonly index: number
  readonly media: SdpMedia
  readonly kind: 'audio' | 'video' | undefined
  /** RTP/SAVP or RTP/SAVPF. */
  readonly isSecure: boolean
  /** One of the four RTP profiles; else nothing here can carry it. */
  readonly isRtp: boolean
  /** As the far side sees it; an address of zeros takes receiving away (RFC 3264 8.4). */
  readonly direction: Direction
  /** Without a TTL; undefined: a host name, or nothing. */
  readonly address: string | undefined
  readonly family: 4 | 6 | undefined
  /** Without rtcp-mux. */
  readonly rtcpPort: number
  readonly rtcpMux: boolean
  readonly cryptos: readonly SdpCrypto[]
  /** Of the `a=crypto` lines that cannot be used there may be some too. */
  readonly hasCryptoLines: boolean
  readonly ptimeMs: number | undefined
  readonly maxPtimeMs: number | undefined
  readonly bandwidthKbps: number | undefined
  readonly feedback: readonly string[]
}

const FEEDBACK = ['nack', 'nack pli', 'ccm fir'] as const

const withoutReceiving: Readonly<Record<Direction, Direction>> = {
  sendrecv: 'sendonly',
  sendonly: 'sendonly',
  recvonly: 'inactive',
  inactive: 'inactive',
}

const isZero = (address: string | undefined): boolean => address === '0.0.0.0' || address === '::'

/** "IN IP4 192.0.2.1/127" → family and address. */
const connectionOf = (connection: string | undefined): Pick<DescribedLine, 'address' | 'family'> => {
  const [, digit, host] = /^IN\s+IP([46])\s+([^\s/]+)/i.exec(connection ?? '') ?? []
  if (host === undefined) return { address: undefined, family: undefined }
  const family = isIP(host)
  if (family !== 0) return { address: host, family: family === 6 ? 6 : 4 }
  return { address: undefined, family: digit === '6' ? 6 : 4 }
}

const positive = (text: string | undefined, most: number): number | undefined => {
  const value = /^\s*(\d{1,6})(?:\.\d+)?\s*$/.exec(text ?? '')
  const number = Number(value?.[1] ?? 0)
  return number >= 1 && number <= most ? number : undefined
}

/** RFC 3605; the address it may bear is left aside: RTCP is expected from the host of the media. */
const rtcpPortOf = (media: SdpMedia): number => {
  const port = positive(/^\d+/.exec(attributeOf(media, 'rtcp') ?? '')?.[0], 65_535)
  return port ?? Math.min(media.port + 1, 65_535)
}

const bandwidthOf = (media: SdpMedia): number | undefined =>
  positive(media.bandwidth?.find(value => value.startsWith('AS:'))?.slice(3), 999_999)

const kindOf = ({ kind }: SdpMedia): DescribedLine['kind'] =>
  kind === 'audio' || kind === 'video' ? kind : undefined

const feedbackOf = (media: SdpMedia): readonly string[] => {
  const offered = codecsOf(media).flatMap(({ feedback }) => feedback)
  return FEEDBACK.filter(wanted => offered.some(each => each.trim().toLowerCase() === wanted))
}

/** The lines of a description; what is damaged in one is as if it were not said. */
export const describeLines = (session: SdpSession): readonly DescribedLine[] =>
  session.media.map((media, index) => {
    const protocol = media.protocol.toUpperCase()
    const { address, family } = connectionOf(media.connection ?? session.connection)
    const said = directionOf(media, session)
    const crypto = attributesOf(media, 'crypto')
    const ptime = (name: string): string | undefined => attributeOf(media, name) ?? attributeOf(session, name)
    return {
      index,
      media,
      kind: kindOf(media),
      isSecure: /^RTP\/SAVPF?$/.test(protocol),
      isRtp: /^RTP\/S?AVPF?$/.test(protocol),
      direction: isZero(address) ? withoutReceiving[said] : said,
      address,
      family,
      rtcpPort: rtcpPortOf(media),
      rtcpMux: attributeOf(media, 'rtcp-mux') !== undefined,
      cryptos: crypto.map(parseCrypto).filter(each => each !== undefined),
      hasCryptoLines: crypto.length > 0,
      ptimeMs: positive(ptime('ptime'), 200),
      maxPtimeMs: positive(ptime('maxptime'), 2000),
      bandwidthKbps: bandwidthOf(media),
      feedback: feedbackOf(media),
    }
  })
