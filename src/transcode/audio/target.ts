import type { Accept } from '../../core/types.ts'
import { GatewayError } from '../../errors.ts'
import { AAC_SAMPLE_RATES } from '../../media/aac/config.ts'
import type { CodecParameters } from '../../media/types.ts'
import { type AudioTargetCodec, isAudioTarget } from '../cost.ts'

/** What the encoder is to make. */
export interface AudioTarget {
  readonly codec: AudioTargetCodec
  readonly sampleRate: number
  readonly channels: 1 | 2
  /** Bits per second of the whole track. */
  readonly bitrate: number
  /** Samples of one encoded packet at `sampleRate`: G.722's is that of its clock, half of what it samples at. */
  readonly packetSamples: number
  /** One byte per tick and channel: packets may differ in length. */
  readonly pcm: boolean
}

const PACKET_SAMPLES = { opus: 960, aac: 1024, g722: 160, pcmu: 160, pcma: 160 } as const
const TELEPHONE_RATE = 8_000
const STUDIO_RATE = 48_000
/** More is of no use to an encoder, and at low rates AAC refuses it. */
const MAX_BITS_PER_SAMPLE = 3

const isTelephone = (codec: AudioTargetCodec): boolean =>
  codec === 'pcmu' || codec === 'pcma' || codec === 'g722'

const sampleRateOf = (codec: AudioTargetCodec, to: Accept): number => {
  if (codec === 'opus') return STUDIO_RATE
  if (codec !== 'aac') return TELEPHONE_RATE
  const wanted = to.sampleRate ?? STUDIO_RATE
  return (AAC_SAMPLE_RATES as readonly number[]).includes(wanted) ? wanted : STUDIO_RATE
}

const channelsOf = (codec: AudioTargetCodec, from: CodecParameters, to: Accept): 1 | 2 => {
  if (isTelephone(codec)) return 1
  const source = 'channels' in from ? from.channels : 2
  return (to.channels ?? source) === 1 ? 1 : 2
}

/**
 * The source's channel count and the studio rate of 48 kHz are kept where `to` leaves them open.
 * @throws GatewayError 'transcode-unavailable' when `to` is no target.
 */
export const audioTarget = (from: CodecParameters, to: Accept, bitratePerChannel: number): AudioTarget => {
  const { codec } = to
  if (!isAudioTarget(codec)) throw new GatewayError('transcode-unavailable', `${from.codec} to ${codec}`)
  const sampleRate = sampleRateOf(codec, to)
  const channels = channelsOf(codec, from, to)
  const pcm = isTelephone(codec)
  const bitrate = pcm ? 64_000 : Math.min(bitratePerChannel, sampleRate * MAX_BITS_PER_SAMPLE) * channels
  return { codec, sampleRate, channels, bitrate, packetSamples: PACKET_SAMPLES[codec], pcm }
}

/** "opus 48000 Hz 2 ch 128 kbit/s" */
export const describeTarget = ({ codec, sampleRate, channels, bitrate }: AudioTarget): string =>
  `${codec} ${sampleRate} Hz ${channels} ch ${Math.round(bitrate / 1000)} kbit/s`
