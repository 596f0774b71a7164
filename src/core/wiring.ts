/** Carries out the plans of one subscription: opens what is new, keeps what stays, lets go what leaves. */
import { GatewayError, toGatewayError } from '../errors.ts'
import type { DelayProbe } from './delay-probe.ts'
import type { DerivedTracks } from './derived-tracks.ts'
import type { Counters } from './outlet.ts'
import type { PressureGauge } from './pressure.ts'
import { replayLastGop } from './replay.ts'
import { canRetarget, createRoute, isSameRoute, openTrackOf, type Prepared, type Route } from './routes.ts'
import { describeReason } from './scope.ts'
import type { TrackNode } from './track.ts'
import type { CloseReason, Egress, EgressSink, Plan, PlannedTrack, SkippedTrack } from './types.ts'

export type GoodPlan = Plan & { ok: true }

export interface WiringOptions {
  readonly egress: Egress
  readonly derived: DerivedTracks
  readonly sources: () => readonly TrackNode[]
  readonly counters: Counters
  readonly gauge: PressureGauge | undefined
  readonly probe?: DelayProbe | undefined
  readonly start: 'live' | 'last-gop'
  readonly signal: AbortSignal
  /** It cannot go on. */
  readonly onEnd: (reason: CloseReason) => void
}

export class Wiring {
  routes: readonly Route[] = []
  /** Left out of the plan in force, with the reasons. */
  skipped: readonly SkippedTrack[] = []
  readonly #options: WiringOptions
  /** Routes that go on until the one that takes their sink has its key frame. */
  readonly #retiring = new Set<Route>()

  constructor(options: WiringOptions) {
    this.#options = options
  }

  /**
   * `cause`: an egress that asks for another plan can be handed further tracks; when the stream has changed, only one
   * that takes late tracks can.
   * @throws GatewayError 'transcode-unavailable' when no planned track came up; whatever `open` of the egress throws
   */
  async apply(plan: GoodPlan, cause: 'egress' | 'stream'): Promise<void> {
    const sources = new Map(this.#options.sources().map(track => [track.id, track]))
    const same = (route: Route, planned: PlannedTrack): boolean =>
      isSameRoute(route, planned, sources.get(planned.source))
    const kept = this.routes.filter(route => plan.tracks.some(planned => same(route, planned)))
    const leaving = this.routes.filter(route => !kept.includes(route))
    const wanted = plan.tracks.filter(planned => !kept.some(route => same(route, planned)))
    const skipped = [...plan.skipped]
    if (cause === 'stream' && this.#losesPicture(plan, sources)) return
    const fresh = await this.#prepare(wanted, sources, skipped)
    if (kept.length + fresh.length === 0)
      throw new GatewayError('transcode-unavailable', skipped.map(({ reason }) => reason).join('; '))
    const swaps = pairUp(fresh, leaving)
    const opening = this.#admit(
      fresh.filter(prepared => !swaps.has(prepared)),
      leaving,
      cause === 'egress',
      skipped,
    )
    const ends = await this.#open(opening, fresh)
    if (this.#options.signal.aborted) {
      for (const { lease } of fresh) lease?.release()
      return
    }
    this.#rewire(kept, leaving, opening, ends, swaps)
    this.skipped = skipped
  }

  close(): void {
    for (const route of [...this.routes, ...this.#retiring]) route.close()
    this.routes = []
    this.#retiring.clear()
  }

  /** A viewer that had a picture and can have none of the new ones is told so, not left with a black one. */
  #losesPicture(plan: GoodPlan, sources: ReadonlyMap<string, TrackNode>): boolean {
    const had = this.routes.some(({ track }) => track.kind === 'video')
    if (!had || plan.tracks.some(({ accept }) => accept.kind === 'video')) return false
    const refused = plan.skipped.find(({ source }) => sources.get(source)?.kind === 'video')
    if (refused === undefined) return false
    this.#options.onEnd({ code: 'no-common-codec', detail: refused.reason })
    return true
  }

  /** Leases the derived tracks and waits for them; one that does not come up is left out by name. */
  async #prepare(
    wanted: readonly PlannedTrack[],
    sources: ReadonlyMap<string, TrackNode>,
    skipped: SkippedTrack[],
  ): Promise<Prepared[]> {
    const prepared: Prepared[] = []
    for (const planned of wanted) {
      const source = sources.get(planned.source)!
      try {
        const lease = this.#options.derived.lease(source, planned)
        prepared.push({ planned, source, lease, track: lease?.track ?? source })
      } catch (error) {
        skipped.push({ source: planned.source, reason: toGatewayError(error).message })
      }
    }
    const results = await Promise.allSettled(prepared.map(({ lease }) => lease?.ready))
    return prepared.filter(({ planned, lease }, i) => {
      const result = results[i]!
      if (result.status === 'fulfilled') return true
      lease?.release()
      skipped.push({ source: planned.source, reason: (result.reason as Error).message })
      return false
    })
  }

  /** Which of the new tracks may be opened; the others are left out by name. */
  #admit(
    fresh: readonly Prepared[],
    leaving: readonly Route[],
    mayOpen: boolean,
    skipped: SkippedTrack[],
  ): readonly Prepared[] {
    const { egress, onEnd } = this.#options
    if (mayOpen || egress.takesLateTracks === true || fresh.length === 0) return fresh
    for (const { planned, track, lease } of fresh) {
      lease?.release()
      const reason = `${planned.label} came after ${egress.label} was set up, which takes no late tracks`
      skipped.push({ source: planned.source, reason })
      const before = leaving.find(route => route.track.kind === track.kind)
      if (before !== undefined)
        onEnd({ code: 'replaced', detail: `${before.planned.label} is now ${planned.label}` })
    }
    return []
  }

  async #open(opening: readonly Prepared[], fresh: readonly Prepared[]): Promise<readonly EgressSink[]> {
    if (opening.length === 0) return []
    try {
      const ends = await this.#options.egress.open(opening.map(openTrackOf))
      if (ends.length !== opening.length)
        throw new TypeError(`${opening.length} tracks were opened, ${ends.length} sinks came back`)
      return ends
    } catch (error) {
      for (const { lease } of fresh) lease?.release()
      throw error
    }
  }

  /** Synchronous, so that no unit passes between the steps. */
  #rewire(
    kept: readonly Route[],
    leaving: readonly Route[],
    opening: readonly Prepared[],
    ends: readonly EgressSink[],
    swaps: ReadonlyMap<Prepared, Route>,
  ): void {
    const isFirst = this.routes.length === 0
    const retiring = new Set(swaps.values())
    for (const route of leaving) {
      if (retiring.has(route)) continue
      route.close()
      this.#retire(route.end)
    }
    const opened = opening.map((prepared, i) => this.#route(prepared, ends[i]!))
    const swapped = [...swaps].map(([prepared, before]) => this.#takeOver(prepared, before))
    this.routes = [...kept, ...opened, ...swapped]
    for (const { outlet } of [...opened, ...swapped]) outlet.attach()
    if (this.routes.length === 0)
      this.#options.onEnd({ code: 'replaced', detail: 'nothing that it was given is there any more' })
    if (!isFirst || this.#options.start !== 'last-gop') return
    replayLastGop(opened)
    this.#options.gauge?.excuseBacklog()
  }

  /** The sink goes on with what it has until the new track has its first unit for it. */
  #takeOver(prepared: Prepared, before: Route): Route {
    if (before.outlet.hasBegun) this.#retiring.add(before)
    else before.close()
    return this.#route(prepared, before.end, () => {
      this.#retire(before.end)
      before.end.retarget?.(openTrackOf(prepared))
    })
  }

  #retire(end: EgressSink): void {
    for (const route of this.#retiring) {
      if (route.end !== end) continue
      this.#retiring.delete(route)
      route.close()
    }
  }

  #route(prepared: Prepared, end: EgressSink, onFirst?: () => void): Route {
    const { counters, gauge, probe, egress, onEnd } = this.#options
    const onFailed = (error: unknown): void => {
      const failure = toGatewayError(error)
      onEnd({ code: 'failed', error: failure, detail: `${egress.label}: ${failure.message}` })
    }
    const route = createRoute({
      prepared,
      end,
      counters,
      gauge,
      probe,
      onFailed,
      ...(onFirst && { onFirst }),
    })
    if (prepared.lease !== undefined) void prepared.track.closed.then(reason => this.#lost(route, reason))
    return route
  }

  /** A derived track ended while its source goes on: its transcoder has given up. */
  #lost(route: Route, reason: CloseReason): void {
    if (!this.routes.includes(route) || route.source.signal.aborted) return
    route.close()
    this.routes = this.routes.filter(other => other !== route)
    const why = `${route.planned.label} → ${route.planned.accept.codec}: ${describeReason(reason)}`
    this.skipped = [...this.skipped, { source: route.planned.source, reason: why }]
    if (this.routes.length === 0 || route.track.kind === 'video')
      this.#options.onEnd({ code: 'failed', detail: why })
  }
}

/** New tracks that can take the sink of one that leaves. */
const pairUp = (fresh: readonly Prepared[], leaving: readonly Route[]): Map<Prepared, Route> => {
  const pairs = new Map<Prepared, Route>()
  const taken = new Set<Route>()
  for (const prepared of fresh) {
    const route = leaving.find(other => !taken.has(other) && canRetarget(other, prepared.planned))
    if (route === undefined) continue
    taken.add(route)
    pairs.set(prepared, route)
  }
  return pairs
}
