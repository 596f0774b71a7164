import type { Accept } from '../core/types.ts'
import type { CodecId, CodecParameters } from '../media/types.ts'

/** What is read, by the decoders that do; the first that ffmpeg has is used. */
const SOURCES: Partial<Record<CodecId, readonly string[]>> = {
  aac: ['aac'],
  mp3: ['mp3float', 'mp3'],
  // ffmpeg's own Opus loses 20 ms where a stream changes from CELT to SILK and back, as browsers do.
  opus: ['libopus', 'opus'],
  pcmu: ['pcm_mulaw'],
  pcma: ['pcm_alaw'],
  g722: ['g722'],
  l16: ['pcm_s16be'],
  h264: ['h264'],
  h265: ['hevc'],
  vp8: ['vp8', 'libvpx'],
  vp9: ['vp9', 'libvpx-vp9'],
  // The one called "av1" needs a graphics card.
  av1: ['libdav1d', 'libaom-av1'],
}

/**
 * What is made, and its price beside other targets of the same kind. Full band first; telephone quality costs more than
 * any full-band target, so that it is the last resort. H.264 costs less of a processor than VP8 at the same picture.
 */
const TARGETS = {
  opus: 1,
  aac: 1.5,
  g722: 4,
  pcmu: 6,
  pcma: 6,
  h264: 20,
  vp8: 25,
} as const satisfies Partial<Record<CodecId, number>>
export type TargetCodec = keyof typeof TARGETS
export type AudioTargetCodec = Exclude<TargetCodec, VideoTargetCodec>
export type VideoTargetCodec = 'h264' | 'vp8'

/** The encoder of ffmpeg that makes each target. */
export const ENCODERS = {
  opus: 'libopus',
  aac: 'aac',
  g722: 'g722',
  pcmu: 'pcm_mulaw',
  pcma: 'pcm_alaw',
  h264: 'libx264',
  vp8: 'libvpx',
} as const satisfies Record<TargetCodec, string>

/** undefined: ffmpeg has none. */
export const decoderOf = (codec: CodecId, decoders: ReadonlySet<string>): string | undefined =>
  SOURCES[codec]?.find(name => decoders.has(name))

export const isTarget = (codec: CodecId): codec is TargetCodec => codec in TARGETS
export const isVideoTarget = (codec: CodecId): codec is VideoTargetCodec =>
  codec === 'h264' || codec === 'vp8'
export const isAudioTarget = (codec: CodecId): codec is AudioTargetCodec =>
  isTarget(codec) && !isVideoTarget(codec)

const isCarried = (codec: TargetCodec, to: Accept): boolean => {
  if (isVideoTarget(codec)) return to.kind === 'video'
  const channels = to.channels ?? 1
  if (codec === 'opus') return channels <= 2 && (to.sampleRate ?? 48_000) === 48_000
  if (codec === 'aac') return channels <= 2
  return channels === 1 && (to.sampleRate ?? 8_000) === 8_000
}

/**
 * What it costs to make `to` of `from`, relative to other transcodes of the same source; undefined: it cannot be done.
 * Channels beyond two are mixed down.
 */
export const transcodeCost = (from: CodecParameters, to: Accept): number | undefined => {
  if (from.kind !== to.kind || SOURCES[from.codec] === undefined) return undefined
  return isTarget(to.codec) && isCarried(to.codec, to) ? TARGETS[to.codec] : undefined
}
