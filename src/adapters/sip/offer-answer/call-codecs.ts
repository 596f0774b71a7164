/** How calls name codecs in SDP, and which of them an m-line offers. */
import { codecsOf, parseFmtp } from '../../../media/sdp/attributes.ts'
import type { SdpCodec, SdpMedia } from '../../../media/sdp/types.ts'
import type { CallCodec } from './types.ts'

export interface CodecFact {
  readonly kind: 'audio' | 'video'
  /** Of the rtpmap, and what is written there. */
  readonly rtpmap: string
  readonly clockRate: number
  readonly channels: 1 | 2
  /** Of own offers, unless the call numbers it otherwise already. */
  readonly payloadType: number
}

/** G.722 is sampled at 16 kHz, but its RTP clock is 8000 Hz (RFC 3551 4.5.2). */
export const CODEC_FACTS: Readonly<Record<CallCodec, CodecFact>> = {
  opus: { kind: 'audio', rtpmap: 'opus/48000/2', clockRate: 48_000, channels: 2, payloadType: 111 },
  g722: { kind: 'audio', rtpmap: 'G722/8000', clockRate: 8000, channels: 1, payloadType: 9 },
  pcmu: { kind: 'audio', rtpmap: 'PCMU/8000', clockRate: 8000, channels: 1, payloadType: 0 },
  pcma: { kind: 'audio', rtpmap: 'PCMA/8000', clockRate: 8000, channels: 1, payloadType: 8 },
  h264: { kind: 'video', rtpmap: 'H264/90000', clockRate: 90_000, channels: 1, payloadType: 96 },
}

/** RFC 6184 8.1: absent means single NAL unit mode; mode 2, interleaved, is carried by nobody. */
export const packetizationModeOf = (fmtp: string): number =>
  Number(parseFmtp(fmtp).get('packetization-mode') ?? 0)

/** Profile and constraints, without the level; RFC 6184 8.1: absent means baseline. */
export const profileOf = (fmtp: string): string =>
  (parseFmtp(fmtp).get('profile-level-id') ?? '42000a').slice(0, 4).toLowerCase()

const idOf = ({ payloadType, name, clockRate, channels, fmtp }: SdpCodec): CallCodec | undefined => {
  const key = `${name.toLowerCase()}/${clockRate}`
  if (key === 'opus/48000') return 'opus'
  // The static number says what it is, whatever clock rate old devices write beside it.
  if (key === 'g722/8000' || (key === 'g722/16000' && payloadType === 9)) return 'g722'
  if (key === 'pcmu/8000') return channels === 1 ? 'pcmu' : undefined
  if (key === 'pcma/8000') return channels === 1 ? 'pcma' : undefined
  return key === 'h264/90000' && packetizationModeOf(fmtp) <= 1 ? 'h264' : undefined
}

/** A format that calls know. */
export interface KnownFormat {
  readonly id: CallCodec
  readonly sdp: SdpCodec
}

/** In the order of the line. */
export const knownFormats = (media: SdpMedia): readonly KnownFormat[] =>
  codecsOf(media).flatMap(sdp => {
    const id = idOf(sdp)
    return id === undefined ? [] : [{ id, sdp }]
  })

/** Telephone events (RFC 4733) of the line, at clock rates that audio here can have. */
export const eventFormats = (media: SdpMedia): readonly SdpCodec[] =>
  codecsOf(media).filter(
    ({ name, clockRate }) =>
      name.toLowerCase() === 'telephone-event' && (clockRate === 8000 || clockRate === 48_000),
  )

/** Names for messages: "PCMU, G729, telephone-event". */
export const namesOf = (media: SdpMedia): string => {
  const names = codecsOf(media).map(({ name }) => name)
  return [...new Set(names)].filter(name => !/^(telephone-event|CN|rtx|red|ulpfec)$/i.test(name)).join(', ')
}
