/**
 * What jobs need of a processor, measured with ffmpeg 5.1 on one core of a 2-core cloud machine with noisy pictures. Camera
 * pictures need about two thirds of it.
 */
import type { PictureSize, VideoCodec } from '../media/types.ts'
import type { VideoTargetCodec } from './cost.ts'

interface Load {
  /** Cores whatever the picture: process, pipes, calls per frame. */
  readonly base: number
  /** Cores for each million pixels a second. */
  readonly perMegapixel: number
}

const DECODE: Readonly<Record<VideoCodec, Load>> = {
  h264: { base: 0.03, perMegapixel: 0.0015 },
  h265: { base: 0.03, perMegapixel: 0.0025 },
  vp8: { base: 0.03, perMegapixel: 0.0007 },
  vp9: { base: 0.03, perMegapixel: 0.0024 },
  av1: { base: 0.03, perMegapixel: 0.003 },
}
const ENCODE: Readonly<Record<VideoTargetCodec, Load>> = {
  h264: { base: 0.08, perMegapixel: 0.011 },
  vp8: { base: 0.08, perMegapixel: 0.008 },
}
/** Any sound to any other. */
export const AUDIO_CORES = 0.03

/** Until a source has said its size and rate, and beyond what is believed of it. */
const ASSUMED_SIZE: PictureSize = { width: 1280, height: 720 }
const ASSUMED_RATE = 30
const MAX_RATE = 120

export interface Picture {
  readonly size: PictureSize | undefined
  /** Frames per second; undefined or 0 when unknown. */
  readonly rate: number | undefined
}

export const frameRateOf = ({ rate }: Pick<Picture, 'rate'>): number =>
  rate === undefined || rate <= 0 ? ASSUMED_RATE : Math.min(rate, MAX_RATE)

/** Pixels per second, in millions. */
export const megapixels = (picture: Picture): number => {
  const { width, height } = picture.size ?? ASSUMED_SIZE
  return (width * height * frameRateOf(picture)) / 1e6
}

const coresOf = ({ base, perMegapixel }: Load, picture: Picture): number =>
  base + perMegapixel * megapixels(picture)

/** Cores that encoding alone keeps busy. */
export const encodeCores = (codec: VideoTargetCodec, picture: Picture): number =>
  coresOf(ENCODE[codec], picture)

/** Cores that a job keeps busy: pictures of `from` decoded, those of `to` encoded. */
export const videoCores = (
  from: VideoCodec,
  to: VideoTargetCodec,
  source: Picture,
  target: Picture,
): number => coresOf(DECODE[from], source) + encodeCores(to, target)
