/** The SDP answer as a pure function of the offer and what was chosen for each m-line. */

import { parseFmtp } from '../../media/sdp/attributes.ts'
import type { SdpAttribute, SdpMedia } from '../../media/sdp/types.ts'
import { writeSdp } from '../../media/sdp/write.ts'
import type { OfferedCodec } from './codecs.ts'
import { EXTENSION_URIS, type ExtensionIds } from './extensions.ts'
import type { Offer, OfferedMedia } from './offer.ts'

/** What we send on an m-line of a viewer. */
export interface SentStream {
  readonly ssrc: number
  /** Repair stream; undefined when RTX was not offered. */
  readonly rtxSsrc: number | undefined
  readonly trackId: string
}

/** The decision for one m-line. Without `codec` the line is refused (port 0). */
export interface MediaChoice {
  readonly direction: 'recvonly' | 'sendonly' | 'inactive'
  readonly codec: OfferedCodec | undefined
  readonly extensions: ExtensionIds
  readonly sent?: SentStream
}

export interface Candidate {
  readonly ip: string
  readonly port: number
}

/** Our own side of the transport. */
export interface LocalTransport {
  readonly iceUfrag: string
  readonly icePwd: string
  readonly fingerprintSha256: string
  readonly candidates: readonly Candidate[]
  /** Decimal, unguessable: the session id of the o-line. */
  readonly sessionId: string
  /** CNAME and media stream id of what we send: one name, so that browsers keep its tracks in sync. */
  readonly cname: string
}

const line = (name: string, value?: string): SdpAttribute => ({ name, value })

/** RFC 8445 5.1.2.1: type preference 126 (host), the first address best. */
const candidateLine = ({ ip, port }: Candidate, index: number): SdpAttribute => {
  const priority = 126 * 2 ** 24 + (65535 - index) * 2 ** 8 + 255
  return line('candidate', `${index + 1} 1 udp ${priority} ${ip} ${port} typ host`)
}

const transportLines = (offer: Offer, local: LocalTransport): SdpAttribute[] => [
  line('ice-ufrag', local.iceUfrag),
  line('ice-pwd', local.icePwd),
  line('fingerprint', `sha-256 ${local.fingerprintSha256}`),
  line('setup', offer.dtlsRole === 'server' ? 'passive' : 'active'),
  ...local.candidates.map(candidateLine),
  line('end-of-candidates'),
]

/** Stereo both ways: without these words browsers encode, and some decode, one channel (RFC 7587 6.1). */
const OPUS_FMTP = 'minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1'

/** Echoes what was offered (RFC 6184 8.2.2 wants the same configuration back), minus what only describes the sender. */
const answeredFmtp = ({ id, sdp }: OfferedCodec): string => {
  if (id === 'opus') return OPUS_FMTP
  if (id !== 'h264') return sdp.fmtp
  const fields = new Map(parseFmtp(sdp.fmtp))
  fields.delete('sprop-parameter-sets')
  if (!fields.has('level-asymmetry-allowed')) fields.set('level-asymmetry-allowed', '1')
  return [...fields].map(([key, value]) => `${key}=${value}`).join(';')
}

const PUBLISHED_FEEDBACK = ['transport-cc', 'goog-remb', 'nack', 'nack pli', 'ccm fir']
const SENT_FEEDBACK = ['nack', 'nack pli', 'ccm fir']

/** What both sides use. REMB only where there is no transport-wide feedback: two controllers would fight. */
const answeredFeedback = ({ sdp }: OfferedCodec, choice: MediaChoice): readonly string[] => {
  const ours = choice.direction === 'sendonly' ? SENT_FEEDBACK : PUBLISHED_FEEDBACK
  const transportWide = choice.extensions.transportWide !== undefined && sdp.feedback.includes('transport-cc')
  return ours.filter(
    item =>
      sdp.feedback.includes(item) &&
      (item !== 'transport-cc' || transportWide) &&
      (item !== 'goog-remb' || !transportWide),
  )
}

const codecLines = (codec: OfferedCodec, choice: MediaChoice): SdpAttribute[] => {
  const { payloadType, name, clockRate, channels } = codec.sdp
  const fmtp = answeredFmtp(codec)
  return [
    line('rtpmap', `${payloadType} ${name}/${clockRate}${channels > 1 ? `/${channels}` : ''}`),
    ...(fmtp === '' ? [] : [line('fmtp', `${payloadType} ${fmtp}`)]),
    ...answeredFeedback(codec, choice).map(item => line('rtcp-fb', `${payloadType} ${item}`)),
    ...(codec.rtxPayloadType === undefined
      ? []
      : [
          line('rtpmap', `${codec.rtxPayloadType} rtx/${clockRate}`),
          line('fmtp', `${codec.rtxPayloadType} apt=${payloadType}`),
        ]),
  ]
}

const extensionLines = (extensions: ExtensionIds): SdpAttribute[] =>
  EXTENSION_URIS.flatMap(([key, uri]) => {
    const id = extensions[key]
    return id === undefined ? [] : [line('extmap', `${id} ${uri}`)]
  })

const sentLines = ({ ssrc, rtxSsrc, trackId }: SentStream, cname: string): SdpAttribute[] => [
  line('msid', `${cname} ${trackId}`),
  ...(rtxSsrc === undefined ? [] : [line('ssrc-group', `FID ${ssrc} ${rtxSsrc}`)]),
  ...[ssrc, ...(rtxSsrc === undefined ? [] : [rtxSsrc])].map(id => line('ssrc', `${id} cname:${cname}`)),
]

/** RFC 3264 6: a refused stream keeps its line, formats and mid, with port 0. */
const refusedMedia = (media: OfferedMedia): SdpMedia => ({
  kind: media.kind,
  port: 0,
  protocol: media.protocol,
  formats: media.formats.slice(0, 1),
  connection: 'IN IP4 0.0.0.0',
  attributes: [line('mid', media.mid), line('inactive')],
})

const acceptedMedia = (
  offer: Offer,
  media: OfferedMedia,
  choice: MediaChoice,
  codec: OfferedCodec,
  local: LocalTransport,
): SdpMedia => ({
  kind: media.kind,
  port: 9,
  protocol: media.protocol,
  formats: [codec.sdp.payloadType, codec.rtxPayloadType].filter(type => type !== undefined).map(String),
  connection: 'IN IP4 0.0.0.0',
  attributes: [
    line('mid', media.mid),
    line(choice.direction),
    ...transportLines(offer, local),
    line('rtcp-mux'),
    ...(media.reducedSizeRtcp ? [line('rtcp-rsize')] : []),
    ...extensionLines(choice.extensions),
    ...codecLines(codec, choice),
    ...(choice.sent === undefined ? [] : sentLines(choice.sent, local.cname)),
  ],
})

/** Writes the answer: one choice per m-line of the offer, in the same order. */
export const writeAnswer = (offer: Offer, choices: readonly MediaChoice[], local: LocalTransport): string => {
  const media = offer.media.map((section, index) => {
    const choice = choices[index]
    return choice?.codec === undefined
      ? refusedMedia(section)
      : acceptedMedia(offer, section, choice, choice.codec, local)
  })
  const bundled = offer.media.filter((_, index) => choices[index]?.codec !== undefined).map(({ mid }) => mid)
  return writeSdp({
    origin: `- ${local.sessionId} 1 IN IP4 0.0.0.0`,
    name: '-',
    connection: undefined,
    attributes: [
      line('ice-lite'),
      line('group', ['BUNDLE', ...bundled].join(' ')),
      line('msid-semantic', ' WMS *'),
    ],
    media,
  })
}
