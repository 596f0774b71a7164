/** One name's tracks, its publisher and its readers. Readers stay when one publisher comes after another. */
import { GatewayError } from '../errors.ts'
import { Absence, isWaitedFor } from './absence.ts'
import { Deadline } from './deadline.ts'
import { createDerivedTracks, type DerivedTracks } from './derived-tracks.ts'
import { protocolOf } from './measures.ts'
import { type PublicationHost, PublicationNode } from './publication.ts'
import { Readers } from './readers.ts'
import { closeOnAbort, createScope, describeReason } from './scope.ts'
import { Skew } from './skew.ts'
import { snapshot } from './snapshot.ts'
import { SourceTracks } from './source-tracks.ts'
import { StandIn } from './stand-in.ts'
import { linkReading } from './stats.ts'
import type { StreamContext } from './stream-context.ts'
import type { StreamEvents } from './stream-events.ts'
import { SubscriptionNode } from './subscription.ts'
import { type Holder, judgeTakeOver, patienceS, type Verdict } from './take-over.ts'
import type { Reading } from './tally.ts'
import type { TrackContext } from './track.ts'
import type { StreamTime } from './track-clock.ts'
import type {
  CloseReason,
  Egress,
  Publication,
  PublishOptions,
  Scope,
  StreamInfo,
  SubscribeOptions,
  SubscriberInfo,
  Subscription,
} from './types.ts'

/** Readers left by the publisher before wait this long for the tracks of the new one. */
const successionUs = 10_000_000

export class StreamNode {
  readonly name: string
  readonly #context: StreamContext & TrackContext
  readonly #events: StreamEvents<StreamNode>
  readonly #scope: Scope
  readonly #time: StreamTime = { originWall: undefined }
  readonly #derived: DerivedTracks
  readonly #tracks = new SourceTracks()
  readonly #readers: Readers
  #publication: PublicationNode
  /** From the loss of a publisher until another one is ready. */
  #absence: Absence | undefined
  #standIn: StandIn | undefined
  #readySince: number | undefined
  /** Counts what plans depend on. */
  #version = 0
  /** By when the present publisher must be ready. */
  readonly #succession: Deadline

  constructor(
    name: string,
    options: PublishOptions,
    context: StreamContext,
    events: StreamEvents<StreamNode>,
    scope: Scope,
  ) {
    this.name = name
    const hasPicture = (): boolean => this.#tracks.hasPicture
    this.#context = { ...context, hasPicture, skew: new Skew(context.measures.skewIn) }
    this.#events = events
    this.#scope = scope
    this.#succession = new Deadline(context.clock)
    this.#derived = createDerivedTracks({
      ...context,
      hasPicture,
      onTranscode: (transcode, ended) => events.onTranscode(this, transcode, ended),
    })
    this.#readers = new Readers(name, context.log, {
      onJoined: reader => events.onJoined(this, reader),
      onLeft: (reader, reason) => this.#left(reader, reason),
    })
    this.#publication = this.#publish(options)
    scope.signal.addEventListener('abort', () => this.#end(), { once: true })
  }

  get publication(): Publication {
    return this.#publication
  }
  get publisher(): string {
    return this.#publication.label
  }
  /** Tracks are there and somebody writes them. */
  get isReady(): boolean {
    return this.#publication.isReady && !this.#publication.signal.aborted && !this.#scope.signal.aborted
  }
  /** How long the readers of a lost publisher are still kept; 0 when none was lost. */
  get waitingMs(): number {
    return this.#absence?.leftMs ?? 0
  }

  get info(): StreamInfo {
    return {
      name: this.name,
      state: this.#state(),
      ...(this.#absence !== undefined && { waiting: this.#absence.info }),
      tracks: [...this.#tracks.list(), ...this.#derived.list()].map(snapshot),
      publisher: this.publisher,
      ...(this.#publication.link !== undefined && { publisherLink: this.#publication.link }),
      subscribers: this.#readers.info,
      readySince: this.#readySince,
    }
  }

  /** May another one publish here in place of the present publisher? Always, once that is gone. */
  admits({ onConflict, credential }: PublishOptions): Verdict {
    const { label, options } = this.#publication
    if (onConflict === 'take-over' || this.#publication.signal.aborted) return { takesOver: true }
    if (onConflict === 'reject') return { takesOver: false, why: label, retryAfterS: patienceS }
    const holder: Holder = { label, credential: options.credential, silentMs: this.#silentMs() }
    return judgeTakeOver(holder, credential, this.#context.continuity(this.name).takeOverAfterMs)
  }

  /** Another publisher. Readers stay; tracks of the same kind go on without a break. */
  succeed(options: PublishOptions): Publication {
    const before = this.#publication
    const { info } = this
    this.#tracks.bequeath()
    this.#absence?.hold()
    this.#publication = this.#publish(options)
    if (!before.signal.aborted) this.#replace(before, info)
    this.#expectReady(this.#publication)
    return this.#publication
  }

  /** Fills in while the publisher is away; ends when a publisher sends again, or nobody waits any more. */
  standIn(label: string): Publication {
    if (this.#absence === undefined || this.#standIn?.signal.aborted === false)
      throw new GatewayError('name-taken', `${this.name} needs no stand-in`)
    const context = this.#context
    const host = {
      name: this.name,
      context,
      endWall: this.#tracks.endWall(),
      track: (id: string) => this.#tracks.of(id),
    }
    this.#standIn = new StandIn(host, label, this.#scope.child(label))
    return this.#standIn
  }

  /** @throws GatewayError when no plan can be made, or the egress fails to open; it is left to the caller then */
  async subscribe(egress: Egress, options: SubscribeOptions): Promise<Subscription> {
    const scope = this.#scope.child(egress.label)
    const { policyFor } = this.#context
    const host = {
      ...this.#context,
      name: this.name,
      policy: () => policyFor(this.name, options.policy),
      derived: this.#derived,
      sources: () => this.#tracks.list(),
    }
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
    this.#readers.join(subscription, scope)
    if (version !== this.#version) await subscription.retune()
    return subscription
  }

  /** Publisher and readers are told, nobody waits. */
  end(reason: CloseReason): Promise<void> {
    return this.#scope.close(reason)
  }

  /** false: no reader has this id. */
  endReader(id: string, reason: CloseReason): boolean {
    return this.#readers.end(id, reason)
  }

  #replace(before: PublicationNode, info: StreamInfo): void {
    const reason: CloseReason = { code: 'replaced', detail: `${this.publisher} took ${this.name} over` }
    this.#context.log?.info({ stream: this.name }, `${this.publisher} takes over from ${before.label}`)
    void before.close(reason)
    if (!before.isReady) return
    this.#readySince = undefined
    this.#events.onClosed(info, reason)
  }

  #silentMs(): number {
    const { since, options } = this.#publication
    const seen = Math.max(since, this.#tracks.lastArrivalUs() ?? 0, options.lastSeenUs?.() ?? 0)
    return (this.#context.clock.now() - seen) / 1000
  }

  #publish(options: PublishOptions): PublicationNode {
    const scope = createScope(options.label, options.signal === undefined ? {} : { signal: options.signal })
    const read = (): Reading => linkReading(options.link?.())
    scope.defer(this.#context.measures.publishers.enter(protocolOf(options.label), read))
    const { name } = this
    const host: PublicationHost = {
      name,
      context: this.#context,
      time: this.#time,
      endWall: this.#tracks.endWall(),
      freeze: this.#context.freeze,
      heir: id => this.#tracks.heir(id),
      trackScope: id => this.#scope.child(id),
      adopt: source => this.#tracks.adopt(source),
      onTrack: () => void this.#standIn?.close({ code: 'replaced', detail: `${options.label} is back` }),
      onReady: () => this.#ready(),
      onChange: () => this.#change(),
      onEnd: (publication, reason) =>
        publication === this.#publication ? this.#publisherLeft(publication, reason) : undefined,
    }
    return new PublicationNode(host, options, scope)
  }

  #publisherLeft({ isReady, options }: PublicationNode, reason: CloseReason): Promise<void> | undefined {
    const continuity = this.#context.continuity(this.name)
    const hasLived = isReady || this.#absence !== undefined
    const isKept = hasLived && this.#readers.size > 0 && !this.#scope.signal.aborted
    if (!isKept || options.returns === false || !isWaitedFor(reason, continuity))
      return this.#scope.close(reason)
    this.#wait(reason, continuity.graceMs)
    return undefined
  }

  #wait(reason: CloseReason, graceMs: number): void {
    const { clock, log } = this.#context
    this.#succession.clear()
    const isFirst = this.#absence === undefined
    this.#absence ??= new Absence(clock, reason, graceMs, why => void this.#scope.close(why))
    this.#absence.run()
    const { leftMs } = this.#absence
    const text = `${this.publisher} was lost (${describeReason(reason)}): readers wait ${leftMs} ms for its return`
    log?.warn({ stream: this.name, readers: this.#readers.size, leftMs }, text)
    if (isFirst) this.#events.onWaiting(this, reason)
  }

  #left(reader: SubscriberInfo, reason: CloseReason): void {
    this.#events.onLeft(this, reader, reason)
    if (this.#readers.size > 0 || this.#absence === undefined || !this.#publication.signal.aborted) return
    void this.#scope.close(this.#absence.info.reason)
  }

  #state(): StreamInfo['state'] {
    if (this.#scope.signal.aborted) return 'closing'
    if (this.#absence !== undefined) return 'waiting'
    if (this.#publication.isReady) return 'ready'
    return this.#tracks.size === 0 ? 'empty' : 'announced'
  }

  #ready(): void {
    const { clock, log } = this.#context
    const isBack = this.#absence !== undefined
    this.#succession.clear()
    this.#absence = undefined
    this.#tracks.disinherit({ code: 'replaced', detail: `${this.publisher} does not send it` })
    this.#readySince ??= clock.wall()
    log?.info({ stream: this.name }, `${this.publisher} is live${isBack ? ' in its place' : ''}`)
    if (isBack) this.#events.onResumed(this)
    else this.#events.onReady(this)
    this.#change()
  }

  /** Several changes of one turn are one new plan. */
  #change(): void {
    const version = ++this.#version
    queueMicrotask(() => {
      if (version === this.#version && this.isReady) this.#readers.retune()
    })
  }

  #expectReady(publication: PublicationNode): void {
    this.#succession.set(successionUs, () => {
      if (publication !== this.#publication || publication.isReady) return
      const detail = `${publication.label} took over and was not ready within ${successionUs / 1e6} s`
      this.#readers.dismiss({ code: 'replaced', detail })
    })
  }

  #end(): void {
    const reason = this.#scope.signal.reason as CloseReason
    const { info } = this
    const wasLive = this.#publication.isReady || this.#absence !== undefined
    this.#succession.clear()
    this.#absence?.hold()
    // Told before the name is free: what comes next under it begins after this end.
    if (wasLive) this.#events.onClosed(info, reason)
    this.#events.onGone(this)
    if (!this.#publication.signal.aborted) void this.#publication.close(reason)
    this.#scope.defer(() => {
      this.#context.log?.info({ stream: this.name }, `ended: ${describeReason(reason)}`)
    })
  }
}
