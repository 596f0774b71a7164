import { createH264Params } from '../../media/h264/parameters.ts'
import { h264NalType, NAL } from '../../media/h264/units.ts'
import { splitAnnexB } from '../../media/nal.ts'
import type { NutStream } from '../../media/nut/types.ts'
import type { CodecId, CodecParameters, PictureSize } from '../../media/types.ts'
import { createVp8Params } from '../../media/vp8/header.ts'
import { ffmpegArguments } from '../arguments.ts'
import { ENCODERS } from '../cost.ts'
import type { Recipe } from '../recipe.ts'
import { codecDataOf, h264Units } from './bitstream.ts'
import { forceExpression, markedRate, selectExpression, unmarkTime, withoutMarks } from './marks.ts'
import type { VideoTarget } from './target.ts'

/** Readers that cannot ask (RTMP, HTTP-FLV) wait no longer, and every platform takes it. */
const KEY_INTERVAL_S = 2
/** The encoder's own key frames never come: the expression decides, so that the interval is time and not frames. */
const NO_KEY_INTERVAL = 100_000
/** A group of pictures that is decoded to catch up with a live source. */
const MAX_QUEUED_BYTES = 16 << 20
/** What the encoder's rate control takes for granted; the real durations are those of the times. */
const NOMINAL_RATE = 30

const TAGS: Partial<Record<CodecId, string>> = {
  h264: 'H264',
  h265: 'HEVC',
  vp8: 'VP80',
  vp9: 'VP90',
  av1: 'AV01',
}

/** Since 5.1 it is called fps_mode; 4.4 knows the old name only, 8 the new one only. */
const passthrough = (version: string): readonly string[] => {
  const [, major = '9', minor = '0'] = /^n?(\d+)\.(\d+)/.exec(version) ?? []
  const old = Number(major) < 5 || (Number(major) === 5 && Number(minor) < 1)
  return [old ? '-vsync' : '-fps_mode', 'passthrough']
}

const scaling = ({ size, locked }: VideoTarget, source: PictureSize): readonly string[] => {
  const to = `${size.width}:${size.height}`
  if (locked) return [`scale=${to}:force_original_aspect_ratio=decrease`, `pad=${to}:-1:-1`, 'setsar=1']
  return size.width === source.width && size.height === source.height ? [] : [`scale=${to}`]
}

const encoderOptions = ({ codec, bitrate, baseline }: VideoTarget): readonly string[] => {
  const rate = ['-maxrate', `${bitrate}`, '-bufsize', `${bitrate}`]
  if (codec === 'vp8')
    return [
      ...['-deadline', 'realtime', '-cpu-used', '8', '-lag-in-frames', '0', '-auto-alt-ref', '0'],
      ...['-error-resilient', '1', '-b:v', `${bitrate}`, ...rate],
    ]
  return [
    ...['-preset', 'veryfast', '-tune', 'zerolatency', '-profile:v', baseline ? 'baseline' : 'high'],
    ...['-crf', '23', ...rate, '-sc_threshold', '0', '-forced-idr', '1'],
    ...['-x264-params', `fps=${NOMINAL_RATE}`],
  ]
}

export interface VideoRecipeOptions {
  /** Ticks per second of the source's times. */
  readonly rate: number
  readonly decoder: string | undefined
  /** Of ffmpeg. */
  readonly version: string
}

/** Only numbers and names of our own get into it. */
export const videoArguments = (
  source: PictureSize,
  target: VideoTarget,
  { rate, decoder, version }: VideoRecipeOptions,
): readonly string[] =>
  ffmpegArguments(decoder === undefined ? [] : ['-c:v', decoder], [
    ...['-map', '0:v:0', '-c:v', ENCODERS[target.codec], '-pix_fmt', 'yuv420p'],
    ...['-vf', [`select='${selectExpression(rate)}'`, ...scaling(target, source)].join(',')],
    ...passthrough(version),
    ...['-enc_time_base', `1:${markedRate(rate)}`],
    ...['-force_key_frames', `expr:${forceExpression(rate, KEY_INTERVAL_S)}`, '-g', `${NO_KEY_INTERVAL}`],
    ...encoderOptions(target),
    ...['-threads', `${target.threads}`],
  ])

const sourceStream = (params: CodecParameters, size: PictureSize, rate: number): NutStream => ({
  kind: 'video',
  fourcc: new TextEncoder().encode(TAGS[params.codec]),
  timeBase: { numerator: 1, denominator: markedRate(rate) },
  codecData: codecDataOf(params),
  sampleRate: 0,
  channels: 0,
  width: size.width,
  height: size.height,
})

const h264Params = (codecData: Uint8Array): CodecParameters => {
  const units = splitAnnexB(codecData)
  const ofType = (type: number): readonly Uint8Array[] => units.filter(unit => h264NalType(unit) === type)
  return createH264Params(ofType(NAL.sps), ofType(NAL.pps))
}

const targetParams = ({ codecData, width, height }: NutStream, { codec }: VideoTarget): CodecParameters =>
  codec === 'h264' ? h264Params(codecData) : createVp8Params({ width, height })

/** `size`: of the source's pictures. */
export const videoRecipe = (
  params: CodecParameters,
  size: PictureSize,
  target: VideoTarget,
  options: VideoRecipeOptions,
): Recipe => ({
  kind: 'video',
  source: sourceStream(params, size, options.rate),
  arguments: videoArguments(size, target, options),
  packetTicks: 0,
  maxQueuedBytes: MAX_QUEUED_BYTES,
  originOf: withoutMarks,
  ptsOf: unmarkTime,
  durationOf: () => 0,
  unitsOf: target.codec === 'h264' ? h264Units : data => [data],
  paramsOf: stream => targetParams(stream, target),
})
