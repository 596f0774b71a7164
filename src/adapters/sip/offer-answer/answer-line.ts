/** One line of an offer against what this end has: how it is answered, or why it is not. */
import { parseFmtp } from '../../../media/sdp/attributes.ts'
import type { SdpCodec, SdpMedia } from '../../../media/sdp/types.ts'
import { agreedLine, isMisfit, localAddressFor, type Misfit } from './agreed-line.ts'
import { type AnsweredSrtp, answerSrtp } from './answer-srtp.ts'
import {
  CODEC_FACTS,
  eventFormats,
  type KnownFormat,
  knownFormats,
  namesOf,
  packetizationModeOf,
  profileOf,
} from './call-codecs.ts'
import type { DescribedLine } from './described-line.ts'
import { agreedDirection } from './direction.ts'
import { type OwnFormat, ownLine } from './own-line.ts'
import type { AgreedCodec, AgreedEvents, AgreedLine, LocalLine, LocalMedia } from './types.ts'

export interface AnsweredLine {
  readonly agreed: AgreedLine
  readonly media: SdpMedia
}

/** Lower is better: the profile that will be sent, then aggregates and fragments over single units. */
const h264Rank = (own: LocalLine, { fmtp }: SdpCodec): number => {
  const wanted = own.profileLevelId?.slice(0, 2).toLowerCase()
  const isOther = wanted !== undefined && !profileOf(fmtp).startsWith(wanted)
  return (isOther ? 2 : 0) + (packetizationModeOf(fmtp) === 1 ? 0 : 1)
}

/** The offerer's first codec that this end takes; of H.264 the best of its formats. */
const chooseFormat = (media: SdpMedia, own: LocalLine): KnownFormat | undefined => {
  const taken = knownFormats(media).filter(({ id }) => own.codecs.includes(id))
  if (taken[0]?.id !== 'h264') return taken[0]
  return taken.toSorted((a, b) => h264Rank(own, a.sdp) - h264Rank(own, b.sdp))[0]
}

/** Events on the clock of the sound (RFC 4733 2.1); phones that offer Opus with events at 8000 Hz only mean those. */
const chooseEvents = (media: SdpMedia, own: LocalLine, clockRate: number): SdpCodec | undefined => {
  if (!own.telephoneEvents) return undefined
  const offered = eventFormats(media)
  return offered.find(events => events.clockRate === clockRate) ?? offered[0]
}

/** An answer names profile and packetization mode as they were offered (RFC 6184 8.2.2). */
const h264Fmtp = (own: LocalLine, offered: string): string => {
  const fields = parseFmtp(offered)
  const echoed = ['profile-level-id', 'packetization-mode', 'level-asymmetry-allowed'].flatMap(name => {
    const value = fields.get(name)
    return value === undefined ? [] : [`${name}=${value}`]
  })
  const { spropParameterSets: sets } = own
  return [...echoed, ...(sets === undefined ? [] : [`sprop-parameter-sets=${sets}`])].join(';')
}

const answeredFmtp = ({ id, sdp }: KnownFormat, own: LocalLine): string => {
  if (id === 'h264') return h264Fmtp(own, sdp.fmtp)
  return id === 'opus' ? 'useinbandfec=1' : ''
}

/** With its rtpmap as the offerer wrote it. */
const answeredFormat = ({ payloadType, name, clockRate, channels }: SdpCodec, fmtp: string): OwnFormat => ({
  payloadType,
  rtpmap: `${name}/${clockRate}${channels > 1 ? `/${channels}` : ''}`,
  fmtp,
})

const agreedCodec = ({ id, sdp }: KnownFormat): AgreedCodec => ({
  id,
  clockRate: CODEC_FACTS[id].clockRate,
  channels: CODEC_FACTS[id].channels,
  payloadTypes: { send: sdp.payloadType, receive: sdp.payloadType },
  remoteFmtp: sdp.fmtp,
  ...(id === 'h264' && { packetizationMode: packetizationModeOf(sdp.fmtp) === 1 ? 1 : 0 }),
})

const noCodec = ({ media }: DescribedLine, { codecs }: LocalLine): Misfit => ({
  warning: 305,
  detail: `no codec in common: offered ${namesOf(media) || 'none that is known'}, taken ${codecs.join(', ')}`,
})

interface Choice {
  readonly format: KnownFormat
  readonly events: SdpCodec | undefined
  readonly srtp: AnsweredSrtp
  readonly address: string
}

/** What of the line is taken, or the first reason why nothing is. */
const choose = (line: DescribedLine, kind: 'audio' | 'video', own: LocalLine, local: LocalMedia) => {
  const { media } = line
  if (!line.isRtp)
    return { warning: 304, detail: `${media.protocol} is not taken here; RTP/AVP and RTP/SAVP are` } as const
  const srtp = answerSrtp(line, local.srtp, own)
  if (isMisfit(srtp)) return srtp
  const format = chooseFormat(media, own)
  if (format === undefined) return noCodec(line, own)
  const address = localAddressFor(line, local)
  if (typeof address !== 'string') return address
  const events = kind === 'audio' ? chooseEvents(media, own, CODEC_FACTS[format.id].clockRate) : undefined
  return { format, events, srtp, address } satisfies Choice
}

const agreedEvents = ({ clockRate, payloadType }: SdpCodec): AgreedEvents => ({
  clockRate,
  payloadTypes: { send: payloadType, receive: payloadType },
})

export const answerLine = (line: DescribedLine, local: LocalMedia): AnsweredLine | Misfit => {
  const { kind, media } = line
  const own = kind === undefined ? undefined : local[kind]
  if (kind === undefined) return { warning: 304, detail: `${media.protocol} is not taken here` }
  if (own === undefined) return { warning: 304, detail: `no ${kind} is taken here` }
  const choice = choose(line, kind, own, local)
  if (isMisfit(choice)) return choice
  const { format, events, srtp, address } = choice
  const agreed = agreedLine(line, kind, own, local.signallingFrom, {
    codec: agreedCodec(format),
    alternatives: [],
    events: events === undefined ? [] : [agreedEvents(events)],
    direction: agreedDirection(own.direction, line.direction),
    rtcpMux: line.rtcpMux && own.rtcpMux,
    srtp: srtp.keys,
    localAddress: address,
  })
  const formats = [
    answeredFormat(format.sdp, answeredFmtp(format, own)),
    ...(events === undefined ? [] : [answeredFormat(events, '0-15')]),
  ]
  const { direction, sendPtimeMs: ptimeMs, rtcpMux, feedback } = agreed
  const { protocol } = media
  const { cryptos } = srtp
  const answered = {
    kind,
    protocol,
    address,
    local: own,
    formats,
    direction,
    ptimeMs,
    rtcpMux,
    cryptos,
    feedback,
  }
  return { agreed, media: ownLine(answered) }
}
