/** How WebRTC names codecs in SDP, and which payload types of an m-line belong to which. */
import { parseFmtp } from '../../media/sdp/attributes.ts'
import type { SdpCodec } from '../../media/sdp/types.ts'
import type { AudioCodec, CodecParameters, VideoCodec } from '../../media/types.ts'
import type { OfferedMedia } from './offer.ts'

export type WebRtcCodec = Extract<
  AudioCodec | VideoCodec,
  'h264' | 'h265' | 'vp8' | 'vp9' | 'av1' | 'opus' | 'pcmu' | 'pcma' | 'g722'
>

/** One usable codec of an m-line with its repair payload type (RFC 4588). */
export interface OfferedCodec {
  readonly id: WebRtcCodec
  readonly sdp: SdpCodec
  readonly rtxPayloadType: number | undefined
}

const ENCODINGS: Readonly<Record<string, WebRtcCodec>> = {
  'h264/90000': 'h264',
  'h265/90000': 'h265',
  'vp8/90000': 'vp8',
  'vp9/90000': 'vp9',
  'av1/90000': 'av1',
  'opus/48000': 'opus',
  'pcmu/8000': 'pcmu',
  'pcma/8000': 'pcma',
  'g722/8000': 'g722',
}

/** RFC 6184 8.1: absent means single NAL unit mode. */
export const packetizationMode = (codec: SdpCodec): number =>
  Number(parseFmtp(codec.fmtp).get('packetization-mode') ?? 0)

/** RFC 6184 8.1: absent means baseline, level 1. */
export const profileLevelId = (codec: SdpCodec): string =>
  (parseFmtp(codec.fmtp).get('profile-level-id') ?? '42000a').toLowerCase()

const rtxFor = (media: OfferedMedia, payloadType: number): number | undefined =>
  media.codecs.find(
    codec => codec.name.toLowerCase() === 'rtx' && parseFmtp(codec.fmtp).get('apt') === String(payloadType),
  )?.payloadType

/** Mode 2 (interleaved) is carried by nobody. */
const isUsable = (id: WebRtcCodec, codec: SdpCodec): boolean => id !== 'h264' || packetizationMode(codec) <= 1

/** The codecs of an m-line that we know, in the offerer's order; H.264 in packetization-mode 1 before mode 0. */
export const offeredCodecs = (media: OfferedMedia): readonly OfferedCodec[] => {
  const known = media.codecs.flatMap(codec => {
    const id = ENCODINGS[`${codec.name.toLowerCase()}/${codec.clockRate}`]
    if (id === undefined || !isUsable(id, codec)) return []
    return [{ id, sdp: codec, rtxPayloadType: rtxFor(media, codec.payloadType) }]
  })
  const isModeZero = ({ id, sdp }: OfferedCodec): boolean => id === 'h264' && packetizationMode(sdp) === 0
  return [...known.filter(codec => !isModeZero(codec)), ...known.filter(isModeZero)]
}

/** Names for messages: "H264, VP8". */
export const namesOf = (media: OfferedMedia): string =>
  [...new Set(media.codecs.map(codec => codec.name))]
    .filter(name => !/^(rtx|red|ulpfec|flexfec-03|CN)$/i.test(name))
    .join(', ')

/** Parameters of a track before its first packet: what the SDP says, and no more. */
export const initialParameters = ({ id, sdp }: OfferedCodec): CodecParameters => {
  const clockRate = sdp.clockRate
  switch (id) {
    case 'h264':
      return {
        codec: id,
        kind: 'video',
        clockRate,
        sps: undefined,
        pps: [],
        profileLevelId: profileLevelId(sdp),
        size: undefined,
        reordered: undefined,
        maxReorder: undefined,
      }
    case 'h265':
      return {
        codec: id,
        kind: 'video',
        clockRate,
        vps: undefined,
        sps: undefined,
        pps: [],
        size: undefined,
        reordered: undefined,
      }
    case 'av1':
      return { codec: id, kind: 'video', clockRate, sequenceHeader: undefined, size: undefined }
    case 'vp8':
    case 'vp9':
      return {
        codec: id,
        kind: 'video',
        clockRate,
        profile: Number(parseFmtp(sdp.fmtp).get('profile-id') ?? 0),
        size: undefined,
      }
    case 'opus':
      return { codec: id, kind: 'audio', clockRate, channels: 2, fmtp: sdp.fmtp }
    default:
      return { codec: id, kind: 'audio', clockRate, channels: sdp.channels }
  }
}
