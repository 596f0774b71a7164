/** All streams by name: who publishes, who reads, who waits. */
import { GatewayError, toGatewayError } from '../errors.ts'
import { systemClock } from './clock.ts'
import { type Converters, mediaConverters } from './converters.ts'
import { createEvents, type Events } from './events.ts'
import { createMeasures, type Measures } from './measures.ts'
import { createPolicyFor } from './policy.ts'
import { createScope, describeReason, reasonOf } from './scope.ts'
import { defaultLingerUs } from './shared.ts'
import { StreamNode } from './stream.ts'
import type { CoreLog, StreamContext } from './stream-context.ts'
import type { StreamEvents } from './stream-events.ts'
import { parseStreamName } from './stream-name.ts'
import type {
  Clock,
  CloseReason,
  Continuity,
  Demand,
  Egress,
  MediaPolicy,
  NegotiatePolicy,
  Publication,
  PublishOptions,
  Registry,
  RegistryEvents,
  Scope,
  StreamInfo,
  SubscribeOptions,
  Subscription,
  Transcoder,
} from './types.ts'
import { createWaiting, type Waiting } from './waiting.ts'

export interface RegistryOptions {
  readonly clock?: Clock
  readonly transcoders?: readonly Transcoder[]
  /**
   * Read each time it matters. Default: transcoding is possible when a transcoder is given, B-frames are dropped where
   * that is legal.
   */
  readonly policy?: Partial<Omit<NegotiatePolicy, 'cost'>>
  /** What the stream of this name has of its own. Asked each time it matters. */
  readonly policyOf?: (stream: string) => MediaPolicy
  /** Asked each time it matters. Default: nobody waits for a lost publisher, a silent one is replaced after 2 s. */
  readonly continuity?: (stream: string) => Continuity
  /** Streams that can be had when somebody asks for them. */
  readonly demand?: (stream: string) => Demand | undefined
  readonly log?: CoreLog
  /** How long a converter without readers is kept, microseconds. Default 5 s. */
  readonly lingerUs?: number
  readonly converters?: Converters
  /** Freezes every published unit: a reader that writes into one fails. For tests. */
  readonly freeze?: boolean
  /** Listeners and releases that throw are told here. Default: a process warning. */
  readonly onError?: (error: unknown) => void
}

/** A publisher that is there but not ready is waited for at least this long. */
const announcedWaitMs = 5_000

const createIds = (): (() => string) => {
  let last = 0
  return () => `r${(++last).toString(36)}`
}

const withoutGrace: Continuity = { graceMs: 0, graceOnUnpublish: false, takeOverAfterMs: 2_000 }

const missingOf = ({ name, publisher, info }: StreamNode): string =>
  info.waiting === undefined
    ? `${publisher} has no tracks yet on ${name}`
    : `${publisher} was lost and has not come back to ${name} (${describeReason(info.waiting.reason)})`

const warn = (error: unknown): void => process.emitWarning(error instanceof Error ? error : String(error))

class RegistryNode implements Registry {
  readonly #scope: Scope
  readonly #events: Events<RegistryEvents>
  readonly #context: StreamContext
  readonly #streams = new Map<string, StreamNode>()
  readonly #waiting: Waiting

  constructor(context: StreamContext, onError: (error: unknown) => void) {
    this.#context = context
    this.#scope = createScope('registry', { onError })
    this.#events = createEvents<RegistryEvents>(onError)
    this.#waiting = createWaiting(context.clock)
    this.#scope.signal.addEventListener('abort', () => this.#waiting.refuseAll(this.#shutdown()), {
      once: true,
    })
  }

  get closed(): Promise<CloseReason> {
    return this.#scope.closed
  }
  get signal(): AbortSignal {
    return this.#scope.signal
  }
  close(reason: CloseReason = { code: 'shutdown' }): Promise<void> {
    return this.#scope.close(reason)
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  publish(text: string, options: PublishOptions): Publication {
    if (this.signal.aborted) throw this.#shutdown()
    const name = parseStreamName(text)
    const present = this.#streams.get(name)
    if (present === undefined) return this.#create(name, options).publication
    if (options.signal?.aborted === true)
      throw new GatewayError('closed', describeReason(reasonOf(options.signal)))
    const verdict = present.admits(options)
    if (verdict.takesOver) return present.succeed(options)
    const init = { retryAfterS: verdict.retryAfterS }
    const error = new GatewayError('name-taken', `${name} by ${verdict.why}`, init)
    this.#events.emit('publish:refused', name, options.label, error)
    throw error
  }

  standIn(name: string, label: string): Publication {
    const stream = this.#streams.get(name)
    if (stream === undefined) throw new GatewayError('stream-offline', name)
    return stream.standIn(label)
  }

  /** @throws GatewayError 'bad-name', 'stream-offline', 'closed', or as negotiation says; the egress is left open then */
  async subscribe(text: string, egress: Egress, options: SubscribeOptions): Promise<Subscription> {
    const name = parseStreamName(text)
    try {
      const stream = await this.#whenReady(name, options)
      return await stream.subscribe(egress, options)
    } catch (thrown) {
      this.#events.emit('subscribe:refused', name, egress.label, toGatewayError(thrown))
      throw thrown
    }
  }

  wake(name: string): void {
    if (!this.#streams.has(name)) this.#events.emit('stream:demand', name)
  }

  find(name: string): StreamInfo | undefined {
    return this.#streams.get(name)?.info
  }

  list(prefix = ''): readonly StreamInfo[] {
    return [...this.#streams.values()].filter(({ name }) => name.startsWith(prefix)).map(({ info }) => info)
  }

  policy(name: string, own?: MediaPolicy): NegotiatePolicy {
    return this.#context.policyFor(name, own)
  }

  kick(name: string, detail: string): boolean {
    const stream = this.#streams.get(name)
    void stream?.end({ code: 'kicked', detail })
    return stream !== undefined
  }

  kickSubscriber(name: string, id: string, detail: string): boolean {
    return this.#streams.get(name)?.endReader(id, { code: 'kicked', detail }) ?? false
  }

  get measures(): Measures {
    return this.#context.measures
  }

  on<E extends keyof RegistryEvents>(event: E, listener: (...args: RegistryEvents[E]) => void): () => void {
    return this.#events.on(event, listener)
  }

  #create(name: string, options: PublishOptions): StreamNode {
    const stream = new StreamNode(name, options, this.#context, this.#streamEvents, this.#scope.child(name))
    if (!stream.publication.signal.aborted) this.#streams.set(name, stream)
    return stream
  }

  readonly #streamEvents: StreamEvents<StreamNode> = {
    onReady: stream => {
      this.#events.emit('stream:ready', stream.info)
      this.#waiting.ready(stream)
    },
    onWaiting: (stream, reason) => this.#events.emit('stream:waiting', stream.info, reason),
    onResumed: stream => {
      this.#events.emit('stream:resumed', stream.info)
      this.#waiting.ready(stream)
    },
    onClosed: (info, reason) => this.#events.emit('stream:closed', info, reason),
    onGone: stream => {
      if (this.#streams.get(stream.name) === stream) this.#streams.delete(stream.name)
    },
    onJoined: (stream, reader) => this.#events.emit('subscriber:joined', stream.info, reader.label, reader),
    onLeft: (stream, reader, reason) =>
      this.#events.emit('subscriber:left', stream.info, reader.label, reason, reader),
    onTranscode: ({ name }, transcode, ended) => {
      if (ended === undefined) this.#events.emit('transcode:started', name, transcode)
      else this.#events.emit('transcode:stopped', name, transcode, ended)
    },
  }

  #whenReady(name: string, { waitMs = 0, signal }: SubscribeOptions): Promise<StreamNode> {
    if (this.signal.aborted) return Promise.reject(this.#shutdown())
    const present = this.#streams.get(name)
    if (present?.isReady === true) return Promise.resolve(present)
    const waited =
      present === undefined
        ? Math.max(waitMs, this.#context.demand(name)?.waitMs ?? 0)
        : Math.max(waitMs, announcedWaitMs, present.waitingMs)
    if (waited === 0) return Promise.reject(this.#offline(name, 0))
    const found = this.#waiting.wait(name, waited, () => this.#offline(name, waited), signal)
    this.wake(name)
    return found
  }

  #offline(name: string, waitedMs: number): GatewayError {
    const present = this.#streams.get(name)
    const who = present === undefined ? this.#nobody(name) : missingOf(present)
    return new GatewayError('stream-offline', waitedMs > 0 ? `${who}, waited ${waitedMs} ms` : who)
  }

  #nobody(name: string): string {
    const demand = this.#context.demand(name)
    return demand === undefined
      ? `${name} has no publisher`
      : `${name} could not be had (${demand.missing()})`
  }

  #shutdown(): GatewayError {
    return new GatewayError('shutdown', describeReason(reasonOf(this.signal)))
  }
}

export const createRegistry = (options: RegistryOptions = {}): Registry => {
  const { clock = systemClock, transcoders = [], onError = warn } = options
  const context: StreamContext = {
    clock,
    transcoders,
    log: options.log,
    lingerUs: options.lingerUs ?? defaultLingerUs,
    converters: options.converters ?? mediaConverters,
    policyFor: createPolicyFor(transcoders, options.policy, options.policyOf),
    continuity: options.continuity ?? (() => withoutGrace),
    demand: options.demand ?? (() => undefined),
    freeze: options.freeze ?? false,
    measures: createMeasures(),
    nextId: createIds(),
  }
  return new RegistryNode(context, onError)
}
