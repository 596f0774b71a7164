/** The streams with the most bits, one by one; of the others only how many they are. */
import type { StreamInfo, TrackInfo } from '../../core/types.ts'
import type { Exposition, Labels } from './exposition.ts'

const bitsOf = ({ tracks }: StreamInfo): number =>
  tracks.reduce((sum, { stats, derivedFrom }) => sum + (derivedFrom ? 0 : (stats?.bitsPerSecond ?? 0)), 0)

/** Equal ones by their names, so that the choice does not change from one look to the next. */
const busiest = (streams: readonly StreamInfo[], count: number): readonly StreamInfo[] =>
  streams
    .map(stream => ({ stream, bits: bitsOf(stream) }))
    .sort((a, b) => b.bits - a.bits || (a.stream.name < b.stream.name ? -1 : 1))
    .slice(0, count)
    .map(({ stream }) => stream)

const states = ['empty', 'announced', 'ready', 'waiting', 'closing'] as const

export const addStreams = (out: Exposition, streams: readonly StreamInfo[], shown: number): void => {
  const inState = (state: string): number => streams.filter(stream => stream.state === state).length
  out.add(
    'crosspoint_streams',
    'gauge',
    'Streams by state',
    states.map(state => [{ state }, inState(state)]),
  )
  out.add(
    'crosspoint_streams_untold',
    'gauge',
    'Streams that have no metrics of their own, for there are too many',
    [[{}, Math.max(0, streams.length - shown)]],
  )
  const told = busiest(streams, shown)
  const tracks = (value: (track: TrackInfo) => number | undefined): (readonly [Labels, number])[] =>
    told.flatMap(({ name, tracks: all }) =>
      all.flatMap(track => {
        const number = track.derivedFrom === undefined ? value(track) : undefined
        return number === undefined ? [] : [[{ stream: name, track: track.id }, number] as const]
      }),
    )
  out.add(
    'crosspoint_stream_bits_per_second',
    'gauge',
    'Bit rate of a track',
    tracks(({ stats }) => stats?.bitsPerSecond),
  )
  out.add(
    'crosspoint_stream_frames_per_second',
    'gauge',
    'Pictures a second',
    tracks(({ kind, stats }) => (kind === 'video' ? stats?.framesPerSecond : undefined)),
  )
  out.add(
    'crosspoint_stream_keyframe_interval_seconds',
    'gauge',
    'Between the last two key frames',
    tracks(({ stats }) =>
      stats?.keyframeIntervalMs === undefined ? undefined : stats.keyframeIntervalMs / 1000,
    ),
  )
  out.add(
    'crosspoint_stream_readers',
    'gauge',
    'Readers of a stream',
    told.map(({ name, subscribers }) => [{ stream: name }, subscribers.length]),
  )
}
