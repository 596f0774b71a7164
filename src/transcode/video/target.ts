import type { Accept } from '../../core/types.ts'
import { GatewayError } from '../../errors.ts'
import type { PictureSize } from '../../media/types.ts'
import { isVideoTarget, type VideoTargetCodec } from '../cost.ts'
import { encodeCores, megapixels } from '../load.ts'

/** What the encoder is to make. */
export interface VideoTarget {
  readonly codec: VideoTargetCodec
  readonly size: PictureSize
  /** The wanted size, with borders where the shape differs; else the source's. */
  readonly locked: boolean
  /** H.264 constrained baseline, as every browser decodes it; else high. Neither has B-frames. */
  readonly baseline: boolean
  /** Bits per second, at most. */
  readonly bitrate: number
  readonly threads: number
}

/** 720p at 30 frames a second gets 2.8 Mbit/s. */
const BITS_PER_PIXEL = 0.1
const MIN_BITRATE = 300_000
const MAX_BITRATE = 12_000_000
/** One thread of the encoder is asked for no more than this share of a core. */
const CORES_PER_THREAD = 0.7
const MAX_THREADS = 8

/** Both encoders take 4:2:0, whose planes of colour are half as wide and high. */
const even = (length: number): number => Math.max(2, length - (length % 2))

/** The wanted size, else the source's. */
export const targetSize = (source: PictureSize, to: Accept): PictureSize => {
  const { width, height } = to.size ?? source
  return { width: even(width), height: even(height) }
}

/**
 * `rate`: frames per second of the source, undefined when unknown.
 * @throws GatewayError 'transcode-unavailable' when `to` is no target.
 */
export const videoTarget = (source: PictureSize, to: Accept, rate: number | undefined): VideoTarget => {
  const { codec } = to
  if (!isVideoTarget(codec)) throw new GatewayError('transcode-unavailable', `video to ${codec}`)
  const size = targetSize(source, to)
  const picture = { size, rate }
  const bitrate = Math.round(megapixels(picture) * 1e6 * BITS_PER_PIXEL)
  return {
    codec,
    size,
    locked: to.size !== undefined,
    baseline: to.reordered === false || to.profileLevelId?.startsWith('42') === true,
    bitrate: Math.min(MAX_BITRATE, Math.max(MIN_BITRATE, bitrate)),
    threads: Math.min(MAX_THREADS, Math.ceil(encodeCores(codec, picture) / CORES_PER_THREAD)),
  }
}

/** "h264 1280x720 baseline 2765 kbit/s" */
export const describeTarget = ({ codec, size, baseline, bitrate }: VideoTarget): string =>
  [
    codec,
    `${size.width}x${size.height}`,
    ...(codec === 'h264' ? [baseline ? 'baseline' : 'high'] : []),
    `${Math.round(bitrate / 1000)} kbit/s`,
  ].join(' ')
