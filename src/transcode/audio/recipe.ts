import type { CodecParameters } from '../../media/types.ts'
import { ffmpegArguments } from '../arguments.ts'
import { ENCODERS } from '../cost.ts'
import type { Recipe } from '../recipe.ts'
import { sourceStream, targetParams } from './nut.ts'
import type { AudioTarget } from './target.ts'

const MAX_QUEUED_BYTES = 1 << 20

const encoderOptions = ({ codec, bitrate, sampleRate, packetSamples }: AudioTarget): readonly string[] => {
  if (codec === 'opus')
    return ['-b:a', `${bitrate}`, '-application', 'lowdelay', '-frame_duration', '20', '-ar', `${sampleRate}`]
  if (codec === 'aac') return ['-b:a', `${bitrate}`, '-ar', `${sampleRate}`]
  // PCM encoders take any length: cut it as RTP will send it. G.722 samples twice in a tick (RFC 3551 4.5.2).
  const perTick = codec === 'g722' ? 2 : 1
  return ['-af', `aresample=${sampleRate * perTick},asetnsamples=n=${packetSamples * perTick}:p=0`]
}

/** Only numbers and names of our own get into it; no `decoder`: ffmpeg's choice. */
export const audioArguments = (target: AudioTarget, decoder?: string): readonly string[] =>
  ffmpegArguments(
    ['-flags', 'low_delay', ...(decoder === undefined ? [] : ['-c:a', decoder])],
    [
      ...['-map', '0:a:0', '-c:a', ENCODERS[target.codec], '-ac', `${target.channels}`],
      ...encoderOptions(target),
      ...['-threads', '1'],
    ],
  )

/** `rate`: ticks per second of the source's times. undefined: ffmpeg cannot be told of the source. */
export const audioRecipe = (
  params: CodecParameters,
  target: AudioTarget,
  rate: number,
  decoder: string | undefined,
): Recipe | undefined => {
  const source = sourceStream(params, rate)
  if (source === undefined) return undefined
  return {
    kind: 'audio',
    source,
    arguments: audioArguments(target, decoder),
    packetTicks: (target.packetSamples / target.sampleRate) * rate,
    maxQueuedBytes: MAX_QUEUED_BYTES,
    originOf: at => at,
    ptsOf: at => Math.round((at / rate) * target.sampleRate),
    durationOf: data => (target.pcm ? data.length / target.channels : target.packetSamples),
    unitsOf: data => [data],
    paramsOf: stream => targetParams(stream, target),
  }
}
