/** A key frame becomes a JPEG in an ffmpeg that lives as long as that takes. */
import type { Clock } from '../core/types.ts'
import { GatewayError } from '../errors.ts'
import { concatBytes } from '../media/bytes.ts'
import type { Frame } from '../media/types.ts'
import { CLEAN_EXIT, startChild } from '../transcode/child.ts'
import { decoderOf } from '../transcode/cost.ts'
import { type Ffmpeg, findFfmpeg } from '../transcode/ffmpeg.ts'
import { elementaryOf } from './elementary.ts'

const MAX_INPUT_BYTES = 16 << 20
const MAX_OUTPUT_BYTES = 4 << 20
/** 8192x4320, the largest that H.264 levels know, and a little. */
const MAX_PIXELS = 36_000_000

const argumentsFor = (format: string, decoder: string): readonly string[] => [
  ...['-hide_banner', '-loglevel', 'error', '-threads', '1', '-max_pixels', String(MAX_PIXELS)],
  ...['-f', format, '-c:v', decoder, '-i', 'pipe:0', '-frames:v', '1'],
  ...[
    '-vf',
    'scale=w=min(1280\\,iw):h=min(720\\,ih):force_original_aspect_ratio=decrease:force_divisible_by=2',
  ],
  ...['-q:v', '4', '-threads', '1', '-f', 'mjpeg', 'pipe:1'],
]

const programFor = async (path: string, { params }: Frame): Promise<readonly [Ffmpeg, decoder: string]> => {
  const found = await findFfmpeg(path)
  if ('missing' in found) throw new GatewayError('dependency-missing', found.missing)
  const decoder = decoderOf(params.codec, found.ffmpeg.decoders)
  if (decoder === undefined)
    throw new GatewayError('unsupported-codec', `this ffmpeg cannot decode ${params.codec}`)
  return [found.ffmpeg, decoder]
}

export interface PictureOptions {
  readonly ffmpegPath: string
  readonly clock: Clock
  readonly timeoutMs: number
}

/**
 * A JPEG of at most 1280x720. The process is gone when this settles.
 * @throws GatewayError 'dependency-missing', 'unsupported-codec', 'limit-exceeded', 'timeout', 'transcode-unavailable'
 * with ffmpeg's own words
 */
export const drawPicture = async (frame: Frame, options: PictureOptions): Promise<Uint8Array> => {
  const { ffmpegPath, clock, timeoutMs } = options
  const [ffmpeg, decoder] = await programFor(ffmpegPath, frame)
  const { format, bytes } = elementaryOf(frame)
  if (bytes.length > MAX_INPUT_BYTES)
    throw new GatewayError('limit-exceeded', `the key frame has ${bytes.length} bytes`)
  const { promise, resolve } = Promise.withResolvers<string>()
  const parts: Uint8Array[] = []
  let size = 0
  const onData = (part: Uint8Array): void => {
    size += part.length
    if (size <= MAX_OUTPUT_BYTES) parts.push(part)
    else child.kill(`made more than ${MAX_OUTPUT_BYTES} bytes`)
  }
  const child = startChild(ffmpeg.path, argumentsFor(format, decoder), clock, { onData, onExit: resolve })
  let isLate = false
  const cancel = clock.after(timeoutMs * 1000, () => {
    isLate = true
    child.kill(`was not done within ${timeoutMs} ms`)
  })
  child.write(bytes)
  // The end of the input is what makes a decoder give its only picture.
  child.end()
  const how = await promise
  cancel()
  if (isLate) throw new GatewayError('timeout', `ffmpeg ${how}`)
  if (how !== CLEAN_EXIT || size === 0)
    throw new GatewayError(
      'transcode-unavailable',
      `ffmpeg ${how}: ${child.stderr.join(' ') || 'no picture'}`,
    )
  return concatBytes(parts)
}
