/** The last two minutes of each stream, as the page saw them: what the graphs draw and what verdicts compare with. */
import type { StreamView } from './api.ts'
import { sourceTracks, totalBitrate } from './words.ts'

export interface Moment {
  readonly view: StreamView
  readonly bitsPerSecond: number
  readonly framesPerSecond: number
  /** The slowest reader's, milliseconds; undefined for those who may not see readers. */
  readonly latencyMs: number | undefined
  /** Units that readers were not given since the moment before. */
  readonly dropped: number
}

const kept = 60
const histories = new Map<string, Moment[]>()

const sumDropped = ({ subscribers = [] }: StreamView): number =>
  subscribers.reduce((sum, { stats }) => sum + stats.dropped, 0)

const slowest = ({ subscribers = [] }: StreamView): number | undefined => {
  const known = subscribers.flatMap(({ stats }) => (stats.latencyMs === undefined ? [] : [stats.latencyMs]))
  return known.length === 0 ? undefined : Math.max(...known)
}

const momentOf = (view: StreamView, before: StreamView | undefined): Moment => ({
  view,
  bitsPerSecond: totalBitrate(view),
  framesPerSecond: sourceTracks(view).find(({ kind }) => kind === 'video')?.stats?.framesPerSecond ?? 0,
  latencyMs: slowest(view),
  // A reader who left takes his count along.
  dropped: before === undefined ? 0 : Math.max(0, sumDropped(view) - sumDropped(before)),
})

/** Called with each new answer of the gateway. */
export const rememberStreams = (streams: readonly StreamView[]): void => {
  const live = new Set(streams.map(({ name }) => name))
  for (const name of histories.keys()) if (!live.has(name)) histories.delete(name)
  for (const view of streams) {
    const history = histories.get(view.name) ?? []
    history.push(momentOf(view, history.at(-1)?.view))
    if (history.length > kept) history.shift()
    histories.set(view.name, history)
  }
}

export const historyOf = (name: string): readonly Moment[] => histories.get(name) ?? []

/** The view before the newest. */
export const previousOf = (name: string): StreamView | undefined => historyOf(name).at(-2)?.view
