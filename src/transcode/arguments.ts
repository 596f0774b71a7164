import type { AudioTarget } from './audio/target.ts'
import { ENCODERS } from './cost.ts'

/**
 * NUT on both pipes: formats and codec data are given, so that nothing is probed; times are ours on the way in and the
 * encoder's (delay accounted for) on the way out. `nobuffer` is left out on purpose: with it ffmpeg throws the first
 * packet away.
 */
const INPUT = [
  '-nostdin',
  '-hide_banner',
  '-nostats',
  ...['-loglevel', 'warning'],
  ...['-protocol_whitelist', 'pipe'],
  ...['-probesize', '32', '-analyzeduration', '0', '-flags', 'low_delay'],
  ...['-threads', '1', '-copyts'],
] as const
const OUTPUT = [
  ...['-threads', '1', '-flush_packets', '1', '-max_delay', '0', '-write_index', '0'],
  ...['-f', 'nut', 'pipe:1'],
] as const

const encoderOptions = ({ codec, bitrate, sampleRate, packetSamples }: AudioTarget): readonly string[] => {
  if (codec === 'opus')
    return ['-b:a', `${bitrate}`, '-application', 'lowdelay', '-frame_duration', '20', '-ar', `${sampleRate}`]
  if (codec === 'aac') return ['-b:a', `${bitrate}`, '-ar', `${sampleRate}`]
  // PCM encoders take any length: cut it as RTP will send it.
  return ['-af', `aresample=${sampleRate},asetnsamples=n=${packetSamples}:p=0`]
}

/** The whole argument vector. Only numbers and names of our own get into it; no `decoder`: ffmpeg's choice. */
export const ffmpegArguments = (target: AudioTarget, decoder?: string): readonly string[] => [
  ...INPUT,
  ...(decoder === undefined ? [] : ['-c:a', decoder]),
  ...['-f', 'nut', '-i', 'pipe:0'],
  ...['-map', '0:a:0', '-c:a', ENCODERS[target.codec], '-ac', `${target.channels}`],
  ...encoderOptions(target),
  ...OUTPUT,
]
