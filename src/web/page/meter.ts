/** Reads a connection's own statistics once a second and says them in words. */
import type { Reading } from './parts.ts'
import { bitrate, codecName } from './words.ts'

type Report = Readonly<Record<string, unknown>> & { readonly type: string; readonly id: string }
interface Sample {
  readonly at: number
  readonly bytes: number
  readonly lost: number
  readonly packets: number
}

const number = (report: Report | undefined, key: string): number => Number(report?.[key] ?? 0)

const codecsOf = (reports: readonly Report[], streams: readonly Report[]): string =>
  // "video" before "audio".
  [...streams]
    .sort((a, b) => String(b.kind).localeCompare(String(a.kind)))
    .map(({ codecId }) => reports.find(({ id }) => id === codecId)?.mimeType)
    .filter(mime => typeof mime === 'string')
    .map(mime => codecName(mime.split('/')[1] ?? ''))
    .join(' + ')

const lossOf = (now: Sample, before: Sample | undefined): string => {
  const lost = now.lost - (before?.lost ?? 0)
  const packets = now.packets - (before?.packets ?? 0) + lost
  return packets <= 0 ? '0 %' : `${((100 * Math.max(0, lost)) / packets).toFixed(1)} %`
}

/** Time a frame waited between arriving and being shown, milliseconds, since the last sample. */
const waitMs = (video: Report | undefined, before: Report | undefined): number => {
  const frames = number(video, 'jitterBufferEmittedCount') - number(before, 'jitterBufferEmittedCount')
  const delay = number(video, 'jitterBufferDelay') - number(before, 'jitterBufferDelay')
  return frames > 0 ? (1000 * delay) / frames : 0
}

const sum = (streams: readonly Report[], key: string): number =>
  streams.reduce((total, stream) => total + number(stream, key), 0)

const picture = (video: Report | undefined): Reading[] => {
  if (video === undefined) return []
  const [width, height] = [number(video, 'frameWidth'), number(video, 'frameHeight')]
  return [
    { label: 'Picture', value: width === 0 ? '–' : `${width}×${height}` },
    { label: 'Frame rate', value: `${Math.round(number(video, 'framesPerSecond'))} fps` },
  ]
}

/** `direction`: which way media flows. The result is called for each new reading. */
export const createMeter = (
  direction: 'inbound' | 'outbound',
): ((peer: RTCPeerConnection) => Promise<Reading[]>) => {
  let last: Sample | undefined
  let lastVideo: Report | undefined
  return async peer => {
    const reports: Report[] = [...(await peer.getStats()).values()]
    const streams = reports.filter(({ type }) => type === `${direction}-rtp`)
    const video = streams.find(({ kind }) => kind === 'video')
    const inbound = direction === 'inbound'
    const losses = inbound ? streams : reports.filter(({ type }) => type === 'remote-inbound-rtp')
    const now: Sample = {
      at: performance.now(),
      bytes: sum(streams, inbound ? 'bytesReceived' : 'bytesSent'),
      lost: sum(losses, 'packetsLost'),
      packets: sum(streams, inbound ? 'packetsReceived' : 'packetsSent'),
    }
    const seconds = last === undefined ? 0 : (now.at - last.at) / 1000
    const rate = last === undefined || seconds === 0 ? 0 : (8 * (now.bytes - last.bytes)) / seconds
    const readings: Reading[] = [
      ...picture(video),
      { label: 'Bit rate', value: bitrate(rate) },
      { label: 'Codecs', value: codecsOf(reports, streams) || '–' },
      { label: 'Loss', value: lossOf(now, last) },
    ]
    if (inbound && video !== undefined)
      readings.push({ label: 'Buffer', value: `${Math.round(waitMs(video, lastVideo))} ms` })
    last = now
    lastVideo = video
    return readings
  }
}
