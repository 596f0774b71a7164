/** What is made of what in process, and what it costs beside ffmpeg: always less, for the pairs that are made here. */
import type { Accept } from '../../core/types.ts'
import type { CodecId, CodecParameters } from '../../media/types.ts'

export type VoiceCodec = 'opus' | 'g722' | 'l16' | 'pcmu' | 'pcma'

/** Full band first, telephone quality last, all below the same targets of ffmpeg. */
const WIDE: Readonly<Record<VoiceCodec, number>> = { opus: 0.5, l16: 0.6, g722: 2, pcmu: 5, pcma: 5 }
/** Of telephone sound nothing is lost by any of them: the cheapest for the processor first. */
const NARROW: Readonly<Record<VoiceCodec, number>> = { pcmu: 0.2, pcma: 0.2, l16: 0.3, g722: 0.4, opus: 0.5 }

const L16_RATES: readonly number[] = [8000, 16_000, 24_000, 32_000, 44_100, 48_000]

const isNarrow = (codec: CodecId): boolean => codec === 'pcmu' || codec === 'pcma'

export const isVoice = (codec: CodecId): codec is VoiceCodec => codec in WIDE

/** Can these parameters be read? */
const isRead = (from: CodecParameters): boolean => {
  if (!isVoice(from.codec) || !('channels' in from)) return false
  if (from.codec === 'l16') return from.channels <= 2 && L16_RATES.includes(from.clockRate)
  return from.codec === 'opus' || from.channels === 1
}

const isMade = (codec: VoiceCodec, { channels = 1, sampleRate }: Accept): boolean => {
  if (codec === 'opus') return channels <= 2 && (sampleRate ?? 48_000) === 48_000
  if (codec === 'l16') return channels <= 2 && L16_RATES.includes(sampleRate ?? 48_000)
  return channels === 1 && (sampleRate ?? 8000) === 8000
}

/** undefined: not in process. */
export const voiceCost = (from: CodecParameters, to: Accept): number | undefined => {
  if (to.kind !== 'audio' || !isVoice(to.codec) || !isRead(from) || !isMade(to.codec, to)) return undefined
  return (isNarrow(from.codec) ? NARROW : WIDE)[to.codec]
}
