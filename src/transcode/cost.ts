import type { Accept } from '../core/types.ts'
import type { AudioCodec, CodecId, CodecParameters } from '../media/types.ts'

/** Codecs that ffmpeg's own decoders read for us. */
const SOURCES: ReadonlySet<CodecId> = new Set(['aac', 'mp3', 'opus', 'pcmu', 'pcma', 'g722', 'l16'])

/** Full band first; telephone quality costs more than any full-band target, so that it is the last resort. */
const TARGETS = { opus: 1, aac: 1.5, pcmu: 6, pcma: 6 } as const satisfies Partial<Record<AudioCodec, number>>
export type TargetCodec = keyof typeof TARGETS

/** The encoder of ffmpeg that makes each target. */
export const ENCODERS = {
  opus: 'libopus',
  aac: 'aac',
  pcmu: 'pcm_mulaw',
  pcma: 'pcm_alaw',
} as const satisfies Record<TargetCodec, string>

/**
 * Decoders that do better than those ffmpeg chooses: its own Opus loses 20 ms where a stream changes from CELT to SILK
 * and back, as browsers do.
 */
export const DECODERS: Partial<Record<CodecId, string>> = { opus: 'libopus' }

export const isTarget = (codec: CodecId): codec is TargetCodec => codec in TARGETS

const isCarried = (codec: TargetCodec, to: Accept): boolean => {
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
  if (from.kind !== 'audio' || to.kind !== 'audio' || !SOURCES.has(from.codec)) return undefined
  return isTarget(to.codec) && isCarried(to.codec, to) ? TARGETS[to.codec] : undefined
}
