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
  ...['-probesize', '32', '-analyzeduration', '0'],
  ...['-threads', '1', '-copyts'],
] as const
const OUTPUT = [
  ...['-flush_packets', '1', '-max_delay', '0', '-write_index', '0'],
  ...['-f', 'nut', 'pipe:1'],
] as const

/** The whole argument vector around what one kind of media says of its decoder and its encoder. */
export const ffmpegArguments = (
  decoder: readonly string[],
  encoder: readonly string[],
): readonly string[] => [...INPUT, ...decoder, ...['-f', 'nut', '-i', 'pipe:0'], ...encoder, ...OUTPUT]
