/** One reader of a stream: its plan, its wiring, its counters, and what becomes of them when the stream changes. */
import { GatewayError, toGatewayError } from '../errors.ts'
import { DelayProbe } from './delay-probe.ts'
import type { DerivedTracks } from './derived-tracks.ts'
import { describeRefusal } from './describe.ts'
import { type Measures, protocolOf } from './measures.ts'
import { negotiate } from './negotiate.ts'
import type { Counters } from './outlet.ts'
import { gaugeOf } from './pressure.ts'
import { linkReading } from './stats.ts'
import type { TrackNode } from './track.ts'
import type {
  Accept,
  Clock,
  CloseReason,
  Egress,
  NegotiatePolicy,
  Plan,
  Scope,
  SubscribeOptions,
  SubscriberInfo,
  Subscription,
  SubscriptionStats,
} from './types.ts'
import { type GoodPlan, Wiring } from './wiring.ts'

/** What a subscription needs of its stream. */
export interface SubscriptionHost {
  readonly name: string
  readonly clock: Clock
  readonly measures: Measures
  /** Never given before. */
  nextId(): string
  policy(): NegotiatePolicy
  readonly derived: DerivedTracks
  sources(): readonly TrackNode[]
}

const mustBeGood = (plan: Plan): GoodPlan => {
  if (plan.ok) return plan
  throw new GatewayError(plan.code, describeRefusal(plan))
}

export class SubscriptionNode implements Subscription {
  readonly id: string
  readonly egress: Egress
  readonly #host: SubscriptionHost
  readonly #scope: Scope
  readonly #wiring: Wiring
  readonly #probe: DelayProbe
  readonly #since: number
  readonly #counters: Counters = { units: 0, bytes: 0, waitingForKey: 0, slow: 0 }
  /** Changes of plan, one after the other. */
  #work: Promise<void> = Promise.resolve()

  constructor(host: SubscriptionHost, egress: Egress, start: SubscribeOptions['start'], scope: Scope) {
    this.#host = host
    this.id = host.nextId()
    this.egress = egress
    this.#since = host.clock.wall()
    this.#probe = new DelayProbe(host.clock, host.measures)
    this.#scope = scope
    const onEnd = (reason: CloseReason): void => void this.close(reason)
    this.#wiring = new Wiring({
      egress,
      derived: host.derived,
      sources: () => host.sources(),
      counters: this.#counters,
      gauge: gaugeOf(egress, host.clock, onEnd),
      probe: this.#probe,
      start,
      signal: scope.signal,
      onEnd,
    })
    scope.defer(() => this.#wiring.close())
  }

  get plan(): Plan {
    const { routes, skipped } = this.#wiring
    return { ok: true, tracks: routes.map(({ planned }) => planned), skipped }
  }
  get closed(): Promise<CloseReason> {
    return this.#scope.closed
  }
  get signal(): AbortSignal {
    return this.#scope.signal
  }
  close(reason: CloseReason = { code: 'subscriber-left' }): Promise<void> {
    return this.#scope.close(reason)
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get stats(): SubscriptionStats {
    const { units, bytes, waitingForKey, slow } = this.#counters
    const { latencyUs } = this.#probe
    return {
      units,
      bytes,
      dropped: waitingForKey + slow,
      waitingForKey: this.#wiring.routes.some(({ outlet }) => outlet.waitingForKey),
      droppedBy: { 'waiting-for-key': waitingForKey, slow },
      latencyMs: latencyUs === undefined ? undefined : latencyUs / 1000,
      backlogBytes: this.egress.backlog?.(),
    }
  }

  get info(): SubscriberInfo {
    const { id, plan, stats, egress } = this
    const link = egress.link?.()
    return { id, label: egress.label, since: this.#since, plan, stats, ...(link !== undefined && { link }) }
  }

  /** Its counters go into the sums of its protocol. Returns the end of that. */
  enterTally(): () => void {
    return this.#host.measures.readers.enter(protocolOf(this.egress.label), () => {
      const { units, bytes, waitingForKey, slow } = this.#counters
      return { units, bytes, waitingForKey, slow, ...linkReading(this.egress.link?.()) }
    })
  }

  /**
   * Carries out the first plan.
   * @throws GatewayError 'no-common-codec', 'b-frames' or 'transcode-unavailable' with every track's reason
   */
  begin(): Promise<void> {
    return this.#queue(() => this.#wiring.apply(mustBeGood(this.#negotiate()), 'egress'))
  }

  /** @throws GatewayError as `begin`; the plan in force stays then */
  async replan(accepts: readonly Accept[]): Promise<Plan> {
    await this.#queue(() => this.#wiring.apply(mustBeGood(this.#negotiate(accepts)), 'egress'))
    return this.plan
  }

  /** The stream's tracks have changed: goes on with what there is now, or closes with the reason. */
  async retune(): Promise<void> {
    try {
      await this.#queue(() => this.#wiring.apply(mustBeGood(this.#negotiate()), 'stream'))
    } catch (thrown) {
      const error = toGatewayError(thrown)
      const code = error.code === 'internal' ? 'failed' : 'no-common-codec'
      await this.close({ code, detail: `${this.#host.name}: ${error.message}`, error })
    }
  }

  #negotiate(accepts?: readonly Accept[]): Plan {
    const tracks = this.#host.sources()
    return negotiate(tracks, accepts ?? this.egress.accepts(tracks), this.#host.policy())
  }

  #queue(run: () => Promise<void>): Promise<void> {
    const turn = this.#work.then(() => (this.signal.aborted ? undefined : run()))
    this.#work = turn.catch(() => {})
    return turn
  }
}
