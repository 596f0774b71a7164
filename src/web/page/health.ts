/** Is a stream well, as it comes and as it goes out? One verdict with its reason, from what the gateway says of it. */
import type { StreamView, TrackView } from './api.ts'
import { judgeDestinations, judgeReaders } from './delivery.ts'
import type { Verdict } from './verdict.ts'
import { keptFor, sourceTracks } from './words.ts'

/** Viewers wait for a key frame; CDNs ask for one every 2 s and refuse beyond 4. */
const longKeyframeIntervalMs = 4500
const audibleSkewMs = 100
const noticeableLoss = 0.02

const damageOf = ({ stats }: TrackView): number =>
  Object.values(stats?.damage ?? {}).reduce((sum, count) => sum + count, 0)

const newDamage = (track: TrackView, before: StreamView | undefined): number => {
  const same = before?.tracks.find(({ id }) => id === track.id)
  return same === undefined ? 0 : damageOf(track) - damageOf(same)
}

const judgeTrack = (track: TrackView, before: StreamView | undefined): Verdict | undefined => {
  const { kind, stats } = track
  if (stats === undefined) return undefined
  if (before !== undefined && stats.bitsPerSecond === 0) return { tone: 'bad', words: `No ${kind} is coming` }
  const damaged = newDamage(track, before)
  if (damaged > 0) return { tone: 'poor', words: `${kind}: ${damaged} damaged or lost in the last seconds` }
  const interval = stats.keyframeIntervalMs ?? 0
  if (interval > longKeyframeIntervalMs)
    return { tone: 'poor', words: `Key frames ${(interval / 1000).toFixed(1)} s apart: viewers wait` }
  const skew = Math.abs(stats.syncErrorMs ?? 0)
  if (skew > audibleSkewMs) return { tone: 'poor', words: `${kind} is ${Math.round(skew)} ms out of sync` }
  return undefined
}

const judgeLink = ({ publisherLink }: StreamView): Verdict | undefined => {
  const loss = publisherLink?.fractionLost ?? 0
  if (loss <= noticeableLoss) return undefined
  return { tone: 'poor', words: `${(100 * loss).toFixed(1)} % lost on the way here` }
}

/** The worst thing that is the matter; `before` is the view a moment ago. */
export const judge = (stream: StreamView, before: StreamView | undefined): Verdict => {
  if (stream.waiting !== undefined)
    return { tone: 'bad', words: `Publisher lost, ${keptFor(stream.waiting)}` }
  const tracks = sourceTracks(stream).map(track => judgeTrack(track, before))
  const all = [judgeLink(stream), ...tracks, judgeDestinations(stream), judgeReaders(stream, before)]
  const troubles = all.filter(verdict => verdict !== undefined)
  return troubles.find(({ tone }) => tone === 'bad') ?? troubles[0] ?? { tone: 'good', words: 'Healthy' }
}
