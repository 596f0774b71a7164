/** Tracks made of another track: one transcode, or one B-frame filter, per (track, target), however many viewers. */
import { GatewayError } from '../errors.ts'
import type { CodecParameters, Frame } from '../media/types.ts'
import { filterBFrames, withoutReordering } from './b-frame-track.ts'
import { describeParams } from './describe.ts'
import { reasonOf } from './scope.ts'
import { Shared } from './shared.ts'
import { resolveTarget, targetParams } from './target.ts'
import { type TrackContext, TrackNode } from './track.ts'
import { scaledClock } from './track-clock.ts'
import type {
  Accept,
  CloseReason,
  PlannedTrack,
  TrackWriter,
  TranscodeInfo,
  TranscodeJob,
  Transcoder,
} from './types.ts'

export interface DerivedTrack {
  readonly track: TrackNode
  /** Resolves when frames may come; rejects with the reason as its message. */
  readonly ready: Promise<void>
}
export interface Lease extends DerivedTrack {
  release(): void
}
export interface DerivedTracks {
  /** The track that the steps of a plan lead to; undefined when they lead to the source track itself. */
  lease(source: TrackNode, planned: PlannedTrack): Lease | undefined
  list(): TrackNode[]
}
export interface DerivedTracksOptions extends TrackContext {
  readonly transcoders: readonly Transcoder[]
  readonly onTranscode?: (transcode: TranscodeInfo, ended: CloseReason | undefined) => void
}

const createNode = (
  source: TrackNode,
  name: string,
  params: CodecParameters,
  context: TrackContext,
): TrackNode =>
  new TrackNode(
    {
      id: `${source.id}:${name}`,
      native: 'frame',
      params,
      clock: scaledClock(source.clock, params.clockRate),
      derivedFrom: source.id,
      onKeyframeRequest: source.keyframeOnRequest ? () => source.requestKeyframe() : undefined,
    },
    context,
    source.scope.child(name),
  )

const dropBFrames = (source: TrackNode, context: TrackContext): DerivedTrack => {
  const track = createNode(source, 'no-b-frames', withoutReordering(source.params), context)
  filterBFrames(source, track, context)
  return { track, ready: Promise.resolve() }
}

const writerOf = (track: TrackNode): TrackWriter<'frame'> => ({
  write: (frame: Frame) => track.signal.aborted || track.write(frame),
  drained: () => Promise.resolve(),
  setParams: params => track.setParams(params),
  clock: track.clock,
  get demand() {
    return track.feeds.native.size
  },
})

const cheapest = (transcoders: readonly Transcoder[], from: CodecParameters, to: Accept): Transcoder => {
  let found: { transcoder: Transcoder; cost: number } | undefined
  for (const transcoder of transcoders) {
    const cost = transcoder.cost(from, to)
    if (cost !== undefined && (found === undefined || cost < found.cost)) found = { transcoder, cost }
  }
  if (found === undefined)
    throw new GatewayError('transcode-unavailable', `no transcoder makes ${to.codec} of ${from.codec}`)
  return found.transcoder
}

const supervise = (source: TrackNode, track: TrackNode, job: TranscodeJob): void => {
  if (track.keyframeOnRequest || job.requestKeyframe !== undefined)
    track.setKeyframeSource(() => (job.requestKeyframe ?? (() => source.requestKeyframe()))())
  track.transcodeOf = () => job.stats
  track.scope.defer(() => job.close(reasonOf(track.signal)))
  void job.closed.then(reason => track.close(reason))
}

const transcode = (
  source: TrackNode,
  name: string,
  target: Accept,
  options: DerivedTracksOptions,
): DerivedTrack => {
  const transcoder = cheapest(options.transcoders, source.params, target)
  const track = createNode(source, name, targetParams(target), options)
  const ready = transcoder.open(source, target, writerOf(track)).then(
    job => {
      supervise(source, track, job)
      const info = { source: source.id, track: track.id, codec: target.codec, by: transcoder.name }
      options.onTranscode?.(info, undefined)
      track.scope.defer(() => options.onTranscode?.(info, reasonOf(track.signal)))
    },
    thrown => {
      const why = `${describeParams(source.params)} → ${target.codec}: ${transcoder.name} did not start: ${messageOf(thrown)}`
      void track.close({ code: 'failed', detail: why })
      throw new Error(why, { cause: thrown })
    },
  )
  ready.catch(() => {}) // Those who lease it are told; nobody may be left to hear it.
  return { track, ready }
}

const messageOf = (thrown: unknown): string => {
  if (thrown instanceof GatewayError) return thrown.detail ?? thrown.message
  return thrown instanceof Error ? thrown.message : String(thrown)
}

const targetName = ({ codec, sampleRate, channels, profileLevelId, reordered, size }: Accept): string =>
  [
    ...[codec, sampleRate, channels, profileLevelId, reordered === false ? 'no-b-frames' : undefined],
    size && `${size.width}x${size.height}`,
  ]
    .filter(part => part !== undefined)
    .join('-')

/** Its source still goes on: otherwise it has ended, and said why, before. */
const unread = (lingerUs: number): CloseReason => ({
  code: 'subscriber-left',
  detail: `its last reader left ${lingerUs / 1e6} s ago`,
})

/** The derived tracks of one stream. */
export const createDerivedTracks = (options: DerivedTracksOptions): DerivedTracks => {
  const bySource = new Map<TrackNode, Map<string, Shared<DerivedTrack>>>()

  const groupOf = (source: TrackNode): Map<string, Shared<DerivedTrack>> => {
    let group = bySource.get(source)
    if (group !== undefined) return group
    group = new Map()
    bySource.set(source, group)
    source.scope.defer(() => {
      for (const shared of bySource.get(source)?.values() ?? []) shared.end()
      bySource.delete(source)
    })
    return group
  }

  const share = (source: TrackNode, name: string, make: () => DerivedTrack): Lease => {
    const group = groupOf(source)
    let shared = group.get(name)
    if (shared === undefined) {
      const { clock, lingerUs } = options
      const open = (): DerivedTrack => {
        const derived = make()
        derived.track.scope.defer(() => shared?.end())
        return derived
      }
      const close = ({ track }: DerivedTrack): void => void track.close(unread(lingerUs))
      shared = new Shared({ clock, lingerUs, open, close })
      group.set(name, shared)
    }
    const { track, ready } = shared.acquire()
    return { track, ready, release: once(() => shared.value?.track === track && shared.release()) }
  }

  return {
    lease: (source, { accept, steps }) => {
      if (steps.some(({ op }) => op === 'drop-b-frames'))
        return share(source, 'no-b-frames', () => dropBFrames(source, options))
      if (!steps.some(({ op }) => op === 'transcode')) return undefined
      const target = resolveTarget(source.params, accept)
      const name = targetName(target)
      return share(source, name, () => transcode(source, name, target, options))
    },
    list: () =>
      [...bySource.values()].flatMap(group => [...group.values()].flatMap(({ value }) => value?.track ?? [])),
  }
}

const once = (run: () => void): (() => void) => {
  let done = false
  return () => {
    if (done) return
    done = true
    run()
  }
}
