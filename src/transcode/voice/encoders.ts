/** Samples to packets of 20 ms. */
import type { Accept } from '../../core/types.ts'
import { encodeG711, lawOf } from '../../media/g711/law.ts'
import { G722Encoder } from '../../media/g722/encoder.ts'
import { encodeL16 } from '../../media/pcm/l16.ts'
import type { CodecParameters } from '../../media/types.ts'
import { OPUS_RATES, type Opus, type OpusRate } from './opus.ts'
import type { VoiceEncoder } from './types.ts'

const G722_RATE = 16_000
const OPUS_FULL_RATE = 48_000
/** Samples per second in a source, whatever its clock says. */
export const sourceRate = (params: CodecParameters): number =>
  params.codec === 'g722' ? G722_RATE : params.clockRate

/**
 * Bits per second and channel by the band that the source has: where more is no longer heard. Full-band sound may be
 * music, and gets what a transcode of any other source gets.
 */
const bitrateOf = (rate: number): number => (rate <= 8000 ? 24_000 : rate <= 16_000 ? 32_000 : 64_000)
/**
 * Of 10. Telephone sound gains nothing that can be measured above 1, where a packet costs 30 µs of a processor and not
 * 70; wider bands do.
 */
const complexityOf = (rate: number): 1 | 3 | 5 => (rate <= 8000 ? 1 : rate <= 16_000 ? 3 : 5)
/** Readers on networks that lose packets can restore a lost one from the next (RFC 6716 section 2.1.7). */
const EXPECTED_LOSS_PERCENT = 5

const label = (codec: string, rate: number, channels: number, bitsPerSecond: number): string =>
  `${codec} ${rate} Hz ${channels} ch ${Math.round(bitsPerSecond / 1000)} kbit/s`

const createOpus = (opus: Opus, rate: OpusRate, channels: 1 | 2): VoiceEncoder => {
  const isVoice = rate < 24_000
  const encoder = new opus.Encoder({ channels, sample_rate: rate, application: isVoice ? 'voip' : 'audio' })
  const bitrate = bitrateOf(rate) * channels
  encoder.bitrate = bitrate
  encoder.complexity = complexityOf(rate)
  encoder.inband_fec = isVoice
  encoder.packet_loss = isVoice ? EXPECTED_LOSS_PERCENT : 0
  return {
    ...{ rate, channels, label: label('opus', OPUS_FULL_RATE, channels, bitrate) },
    encode: pcm => encoder.encode(pcm),
  }
}

/** `opus`: present where it is needed. undefined: `to` is not made here. */
export const createEncoder = (
  from: CodecParameters,
  to: Accept,
  opus: Opus | undefined,
): VoiceEncoder | undefined => {
  const { codec, channels = 1, sampleRate: rate = 8000 } = to
  switch (codec) {
    case 'pcmu':
    case 'pcma': {
      const law = lawOf(codec)
      return { rate, channels: 1, label: label(codec, rate, 1, 64_000), encode: pcm => encodeG711(law, pcm) }
    }
    case 'g722': {
      const encoder = new G722Encoder()
      const made = { rate: G722_RATE, channels: 1, label: label(codec, G722_RATE, 1, 64_000) }
      return { ...made, encode: pcm => encoder.encode(pcm) }
    }
    case 'l16':
      return { rate, channels, label: label(codec, rate, channels, rate * channels * 16), encode: encodeL16 }
    case 'opus': {
      const own = OPUS_RATES.includes(sourceRate(from)) ? sourceRate(from) : OPUS_FULL_RATE
      const count = channels === 2 && 'channels' in from && from.channels === 2 ? 2 : 1
      return opus && createOpus(opus, own as OpusRate, count)
    }
    default:
      return undefined
  }
}
