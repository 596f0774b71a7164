import { parseAudioSpecificConfig } from '../../media/aac/config.ts'
import { readOpusDuration } from '../../media/opus/toc.ts'
import type { CodecParameters, Frame } from '../../media/types.ts'

/** MPEG-1 layer III below 32 kHz (MPEG-2) has half the samples. */
const mp3Samples = (rate: number): number => (rate >= 32_000 ? 1152 : 576)

const samplesOf = (params: CodecParameters, data: Uint8Array): number => {
  if (params.codec === 'opus') return readOpusDuration(data) ?? 0
  if (params.codec === 'aac') return parseAudioSpecificConfig(params.config).frameSamples
  if (params.codec === 'mp3') return mp3Samples(params.clockRate)
  if (params.codec === 'l16') return data.length / 2 / params.channels
  return 'channels' in params ? data.length / params.channels : 0
}

/** Ticks of a clock of `tickRate` that an audio frame lasts: what it says itself, else what its codec says. */
export const packetDuration = (frame: Frame, data: Uint8Array, tickRate: number): number =>
  frame.duration > 0 ? frame.duration : (samplesOf(frame.params, data) * tickRate) / frame.params.clockRate
