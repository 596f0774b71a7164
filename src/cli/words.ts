/** Numbers of the API in words and units for people. */
import type { TrackView } from '../http/schemas/stream.ts'

/** `1.51 Mbit/s` */
export const bitRate = (bitsPerSecond: number): string =>
  bitsPerSecond >= 1e6
    ? `${(bitsPerSecond / 1e6).toFixed(2)} Mbit/s`
    : `${Math.round(bitsPerSecond / 1e3)} kbit/s`

/** `12.3 MB` */
export const byteCount = (bytes: number): string => {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`
  return bytes >= 1e3 ? `${(bytes / 1e3).toFixed(1)} kB` : `${bytes} B`
}

/** `2 h 5 min`, of milliseconds. */
export const duration = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60
    ? `${minutes} min ${seconds % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** How long ago an RFC 3339 time was. */
export const age = (time: string | undefined): string =>
  time === undefined ? '–' : duration(Date.now() - Date.parse(time))

/** `2 dropped (slow 2)`; nothing when nothing was. */
export const drops = (dropped: number, by: Readonly<Record<string, number>>): string | undefined => {
  if (dropped === 0) return undefined
  const reasons = Object.entries(by).filter(([, count]) => count > 0)
  const list = reasons.map(([reason, count]) => `${reason} ${count}`).join(', ')
  return `${dropped} dropped${list === '' ? '' : ` (${list})`}`
}

/** `h264 640x360`, `aac 44100 Hz 2 ch` */
export const trackParameters = ({ codec, width, height, sampleRate, channels }: TrackView): string => {
  if (width !== undefined && height !== undefined) return `${codec} ${width}x${height}`
  const sound = [sampleRate && `${sampleRate} Hz`, channels && `${channels} ch`].filter(Boolean)
  return [codec, ...sound].join(' ')
}

/** Joins what is known. */
export const facts = (...known: readonly (string | undefined | false)[]): string =>
  known.filter(fact => typeof fact === 'string' && fact !== '').join(' · ')
