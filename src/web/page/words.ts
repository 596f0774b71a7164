/** Numbers as people say them. */
import type { StreamView, TrackView, WaitingView } from './api.ts'

const codecNames: Readonly<Record<string, string>> = {
  h264: 'H.264',
  h265: 'HEVC',
  av1: 'AV1',
  vp8: 'VP8',
  vp9: 'VP9',
  opus: 'Opus',
  aac: 'AAC',
  mp3: 'MP3',
  pcmu: 'G.711 µ-law',
  pcma: 'G.711 A-law',
}
export const codecName = (codec: string): string => codecNames[codec.toLowerCase()] ?? codec

export const bitrate = (bitsPerSecond: number): string => {
  if (bitsPerSecond >= 999_500)
    return `${(bitsPerSecond / 1e6).toFixed(bitsPerSecond >= 9_950_000 ? 0 : 1)} Mbit/s`
  return `${Math.round(bitsPerSecond / 1000)} kbit/s`
}

export const duration = (seconds: number): string => {
  const whole = Math.max(0, Math.floor(seconds))
  const two = (value: number): string => String(value).padStart(2, '0')
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`
}

export const count = (value: number, one: string, many = `${one}s`): string =>
  `${value} ${value === 1 ? one : many}`

/** "kept for 8 s more" */
export const keptFor = ({ leftMs }: WaitingView): string => `kept for ${Math.ceil(leftMs / 1000)} s more`

const isSource = (track: TrackView): boolean => track.derivedFrom === undefined

/** "H.264 1280×720", "AAC 48 kHz" */
export const describeTrack = ({ codec, width, height, sampleRate }: TrackView): string => {
  const size = width === undefined ? '' : ` ${width}×${height}`
  const rate = sampleRate === undefined ? '' : ` ${sampleRate / 1000} kHz`
  return `${codecName(codec)}${size}${rate}`
}

export const sourceTracks = (stream: StreamView): readonly TrackView[] =>
  stream.tracks.filter(track => isSource(track) && track.kind !== 'data')

export const totalBitrate = (stream: StreamView): number =>
  sourceTracks(stream).reduce((sum, { stats }) => sum + (stats?.bitsPerSecond ?? 0), 0)

export const bytes = (value: number): string => {
  if (value >= 1e9) return `${(value / 1e9).toFixed(1)} GB`
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} MB`
  return `${Math.round(value / 1000)} kB`
}
