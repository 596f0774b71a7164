/** One planned track of one subscription: from the source track over the derived one to the egress sink. */
import type { DelayProbe } from './delay-probe.ts'
import type { Lease } from './derived-tracks.ts'
import { defaultProfile } from './negotiate.ts'
import { type Counters, Outlet } from './outlet.ts'
import type { PressureGauge } from './pressure.ts'
import type { TrackNode } from './track.ts'
import type { EgressSink, OpenTrack, PlannedTrack } from './types.ts'

/** What a plan asks for, with its tracks in hand, before the egress has opened it. */
export interface Prepared {
  readonly planned: PlannedTrack
  readonly source: TrackNode
  readonly track: TrackNode
  readonly lease: Lease | undefined
}
export interface Route extends Prepared {
  readonly end: EgressSink
  readonly outlet: Outlet<'frame'> | Outlet<'rtp'>
  /** Leaves the feed and lets the derived track go. */
  close(): void
}
export interface RouteOptions {
  readonly prepared: Prepared
  readonly end: EgressSink
  readonly counters: Counters
  readonly gauge: PressureGauge | undefined
  readonly probe?: DelayProbe | undefined
  readonly onFirst?: () => void
  readonly onFailed: (error: unknown) => void
}

export const openTrackOf = ({ track, planned }: Prepared): OpenTrack => ({ track, accept: planned.accept })

export const isSameRoute = (route: Route, planned: PlannedTrack, source: TrackNode | undefined): boolean =>
  route.source === source &&
  !route.track.signal.aborted &&
  JSON.stringify([route.planned.accept, route.planned.steps]) ===
    JSON.stringify([planned.accept, planned.steps])

/** May the sink of `route` be given another track? Same codec in the same form: it need not be opened anew. */
export const canRetarget = (route: Route, { accept }: PlannedTrack): boolean =>
  route.end.retarget !== undefined && JSON.stringify(route.planned.accept) === JSON.stringify(accept)

const outletOf = (options: RouteOptions): Outlet<'frame'> | Outlet<'rtp'> => {
  const { prepared, end } = options
  const { track, planned } = prepared
  const shared = { ...options, track }
  if (planned.accept.form !== end.form)
    throw new TypeError(`${planned.label}: planned as ${planned.accept.form}, opened as ${end.form}`)
  return end.form === 'frame'
    ? new Outlet({ ...shared, feed: track.frames(), sink: end.sink })
    : new Outlet({ ...shared, feed: track.packets(planned.accept.rtp ?? defaultProfile), sink: end.sink })
}

/** Not attached yet. */
export const createRoute = (options: RouteOptions): Route => {
  const { prepared, end, gauge } = options
  const outlet = outletOf(options)
  const behind = gauge === undefined ? undefined : () => gauge.isBehind()
  if (behind !== undefined && gauge?.lossless === true) prepared.source.waits.add(behind)
  return {
    ...prepared,
    end,
    outlet,
    close: () => {
      outlet.detach()
      if (behind !== undefined) prepared.source.waits.delete(behind)
      prepared.lease?.release()
    },
  }
}
