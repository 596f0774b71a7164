/** One name's tracks, its publisher and its readers. Readers stay when one publisher takes over from another. */
import { GatewayError } from '../errors.ts'
import { createDerivedTracks, type DerivedTracks } from './derived-tracks.ts'
import { describePlan } from './describe.ts'
import { type PublicationHost, PublicationNode, type SourceTrack } from './publication.ts'
import { closeOnAbort, createScope, describeReason } from './scope.ts'
import { snapshot } from './snapshot.ts'
import type { StreamContext } from './stream-context.ts'
import { SubscriptionNode } from './subscription.ts'
import type { TrackNode } from './track.ts'
import type { StreamTime } from './track-clock.ts'
import type {
  CloseReason,
  Egress,
  Publication,
  PublishOptions,
  Scope,
  StreamInfo,
  SubscribeOptions,
  Subscription,
} from './types.ts'

export interface StreamEvents {
  onReady(stream: StreamNode): void
  /** A publisher that was ready has gone. */
  onClosed(info: StreamInfo, reason: CloseReason): void
  /** The name is free. */
  onGone(stream: StreamNode): void
  onJoined(stream: StreamNode, label: string): void
  onLeft(stream: StreamNode, label: string, reason: CloseReason): void
}

/** Readers left by a replaced publisher wait this long for the tracks of the new one. */
const takeOverUs = 10_000_000

export class StreamNode {
  readonly name: string
  readonly #context: StreamContext
  readonly #events: StreamEvents
  readonly #scope: Scope
  readonly #time: StreamTime = { originWall: undefined }
  readonly #derived: DerivedTracks
  #tracks = new Map<string, SourceTrack>()
  /** Tracks of the publisher before, until the new one has gone on with them or is ready without. */
  #inherited = new Map<string, SourceTrack>()
  readonly #subscriptions = new Set<SubscriptionNode>()
  #publication: PublicationNode
  #readySince: number | undefined
  /** Counts what plans depend on. */
  #version = 0
  #cancelDeadline: (() => void) | undefined

  constructor(
    name: string,
    options: PublishOptions,
    context: StreamContext,
    events: StreamEvents,
    scope: Scope,
  ) {
    this.name = name
    this.#context = context
    this.#events = events
    this.#scope = scope
    this.#derived = createDerivedTracks(context)
    this.#publication = this.#publish(options)
    scope.signal.addEventListener('abort', () => this.#end(), { once: true })
  }

  get publication(): Publication {
    return this.#publication
  }
  get publisher(): string {
    return this.#publication.label
  }
  get isReady(): boolean {
    return this.#publication.isReady && !this.#scope.signal.aborted
  }

  get info(): StreamInfo {
    return {
      name: this.name,
      state: this.#state(),
      tracks: [...this.#sources(), ...this.#derived.list()].map(snapshot),
      publisher: this.publisher,
      subscribers: [...this.#subscriptions].map(({ egress, plan, stats }) => ({
        label: egress.label,
        plan,
        stats,
      })),
      readySince: this.#readySince,
    }
  }

  /** Another publisher in place of the present one. Readers stay; tracks of the same kind go on without a break. */
  takeOver(options: PublishOptions): Publication {
    const before = this.#publication
    const { info } = this
    for (const [id, source] of this.#tracks) this.#inherited.set(id, source)
    this.#tracks = new Map()
    this.#readySince = undefined
    this.#publication = this.#publish(options)
    const reason: CloseReason = { code: 'replaced', detail: `${options.label} took ${this.name} over` }
    void before.close(reason)
    if (before.isReady) this.#events.onClosed(info, reason)
    this.#expectReady(this.#publication)
    return this.#publication
  }

  /** @throws GatewayError when no plan can be made, or the egress fails to open; it is left to the caller then */
  async subscribe(egress: Egress, options: SubscribeOptions): Promise<Subscription> {
    const scope = this.#scope.child(egress.label)
    const { clock, policy } = this.#context
    const host = { name: this.name, clock, policy, derived: this.#derived, sources: () => this.#sources() }
    const subscription = new SubscriptionNode(host, egress, options.start, scope)
    if (options.signal !== undefined) closeOnAbort(scope, options.signal)
    const version = this.#version
    try {
      await subscription.begin()
    } catch (error) {
      await scope.close({ code: 'failed', detail: 'it could not begin' })
      throw error
    }
    if (scope.signal.aborted) throw new GatewayError('closed', describeReason(await scope.closed))
    this.#join(subscription, scope)
    if (version !== this.#version) await subscription.retune()
    return subscription
  }

  #join(subscription: SubscriptionNode, scope: Scope): void {
    const { egress } = subscription
    const { log } = this.#context
    this.#subscriptions.add(subscription)
    scope.defer(async () => {
      const reason = scope.signal.reason as CloseReason
      this.#subscriptions.delete(subscription)
      await egress.close(reason)
      const { units, dropped } = subscription.stats
      log?.info({ stream: this.name, units, dropped }, `${egress.label} left: ${describeReason(reason)}`)
      this.#events.onLeft(this, egress.label, reason)
    })
    void egress.closed.then(reason => subscription.close(reason))
    const plan = describePlan(subscription.plan)
    log?.info({ stream: this.name, plan }, `${egress.label} joined`)
    this.#events.onJoined(this, egress.label)
  }

  #publish(options: PublishOptions): PublicationNode {
    const scope = createScope(options.label, options.signal === undefined ? {} : { signal: options.signal })
    const { name } = this
    const host: PublicationHost = {
      name,
      context: this.#context,
      time: this.#time,
      freeze: this.#context.freeze,
      heir: id => this.#inherited.get(id),
      trackScope: id => this.#scope.child(id),
      adopt: source => this.#adopt(source),
      onReady: () => this.#ready(),
      onChange: () => this.#change(),
      onEnd: (publication, reason) =>
        publication === this.#publication ? this.#scope.close(reason) : undefined,
    }
    return new PublicationNode(host, options.label, scope)
  }

  #sources(): TrackNode[] {
    return [...this.#tracks.values()].map(({ track }) => track)
  }

  #state(): StreamInfo['state'] {
    if (this.#scope.signal.aborted) return 'closing'
    if (this.#publication.isReady) return 'ready'
    return this.#tracks.size === 0 ? 'empty' : 'announced'
  }

  #adopt(source: SourceTrack): void {
    const { id } = source.track
    const before = this.#tracks.get(id)
    this.#tracks.set(id, source)
    if (this.#inherited.get(id) === source) this.#inherited.delete(id)
    if (before !== undefined)
      void before.track.close({ code: 'replaced', detail: `${id} changed its format` })
  }

  #ready(): void {
    this.#cancelDeadline?.()
    const gone: CloseReason = { code: 'replaced', detail: `${this.publisher} does not send it` }
    for (const { track } of this.#inherited.values()) void track.close(gone)
    this.#inherited.clear()
    this.#readySince = this.#context.clock.wall()
    this.#context.log?.info({ stream: this.name }, `${this.publisher} is live`)
    this.#events.onReady(this)
    this.#change()
  }

  /** Several changes of one turn are one new plan. */
  #change(): void {
    const version = ++this.#version
    queueMicrotask(() => {
      if (version !== this.#version || !this.isReady) return
      for (const subscription of this.#subscriptions) void subscription.retune()
    })
  }

  #expectReady(publication: PublicationNode): void {
    this.#cancelDeadline?.()
    this.#cancelDeadline = this.#context.clock.after(takeOverUs, () => {
      if (publication !== this.#publication || publication.isReady) return
      const detail = `${publication.label} took over and was not ready within ${takeOverUs / 1e6} s`
      for (const subscription of this.#subscriptions) void subscription.close({ code: 'replaced', detail })
    })
  }

  #end(): void {
    const reason = this.#scope.signal.reason as CloseReason
    const { info } = this
    const wasReady = this.#publication.isReady
    this.#cancelDeadline?.()
    this.#events.onGone(this)
    if (!this.#publication.signal.aborted) void this.#publication.close(reason)
    this.#scope.defer(() => {
      this.#context.log?.info({ stream: this.name }, `ended: ${describeReason(reason)}`)
      if (wasReady) this.#events.onClosed(info, reason)
    })
  }
}
