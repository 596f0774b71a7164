/** Names and numbers of the codecs, for people and for tables. */
import type { CodecId, CodecParameters, Kind } from './types.ts'

interface CodecFacts {
  readonly kind: Kind
  /** Ticks per second where the codec fixes it; undefined: the sample rate of the track. */
  readonly clockRate: number | undefined
  /** Encoding name in SDP, as registered. */
  readonly rtpName: string | undefined
}

/** Every codec that the gateway knows. */
export const CODECS: Readonly<Record<CodecId, CodecFacts>> = {
  h264: { kind: 'video', clockRate: 90_000, rtpName: 'H264' },
  h265: { kind: 'video', clockRate: 90_000, rtpName: 'H265' },
  av1: { kind: 'video', clockRate: 90_000, rtpName: 'AV1' },
  vp8: { kind: 'video', clockRate: 90_000, rtpName: 'VP8' },
  vp9: { kind: 'video', clockRate: 90_000, rtpName: 'VP9' },
  opus: { kind: 'audio', clockRate: 48_000, rtpName: 'opus' },
  aac: { kind: 'audio', clockRate: undefined, rtpName: 'mpeg4-generic' },
  pcmu: { kind: 'audio', clockRate: 8_000, rtpName: 'PCMU' },
  pcma: { kind: 'audio', clockRate: 8_000, rtpName: 'PCMA' },
  g722: { kind: 'audio', clockRate: 8_000, rtpName: 'G722' },
  l16: { kind: 'audio', clockRate: undefined, rtpName: 'L16' },
  mp3: { kind: 'audio', clockRate: undefined, rtpName: undefined },
  'telephone-event': { kind: 'data', clockRate: 8_000, rtpName: 'telephone-event' },
  'amf-data': { kind: 'data', clockRate: 1_000, rtpName: undefined },
}

export const kindOf = (codec: CodecId): Kind => CODECS[codec].kind

/** 'mono', 'stereo', '6 channels'. */
export const channelsLabel = (channels: number): string =>
  channels === 1 ? 'mono' : channels === 2 ? 'stereo' : `${channels} channels`

/** One line for people: 'h264 1280x720', 'aac 44100 stereo', 'vp8'. */
export const codecLabel = (params: CodecParameters): string => {
  if ('channels' in params) return `${params.codec} ${params.clockRate} ${channelsLabel(params.channels)}`
  if ('size' in params && params.size !== undefined)
    return `${params.codec} ${params.size.width}x${params.size.height}`
  return params.codec
}
