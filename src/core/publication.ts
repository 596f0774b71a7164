/** What an ingest adapter holds: one source's stay on a stream. */
import { GatewayError } from '../errors.ts'
import type { CodecParameters, Form } from '../media/types.ts'
import { createContinuation } from './continuation.ts'
import { describeReason, reasonOf } from './scope.ts'
import type { TrackContext } from './track.ts'
import { TrackNode } from './track.ts'
import { createTrackClock, type SenderTime, type SourceClock, type StreamTime } from './track-clock.ts'
import type {
  CloseReason,
  LinkStats,
  Publication,
  PublishOptions,
  Scope,
  TrackSpec,
  TrackWriter,
} from './types.ts'
import { createWriter, sameFormat, type WriterTarget } from './writer.ts'

/** What a publication needs of its stream. */
export interface PublicationHost {
  readonly name: string
  readonly context: TrackContext
  readonly time: StreamTime
  /** Wall time up to which the publisher before has filled the time line. */
  readonly endWall: number | undefined
  readonly freeze: boolean
  /** A track of the source before that may be gone on with. */
  heir(id: string): SourceTrack | undefined
  /** A scope that outlives the publication, for a track another one may go on with. */
  trackScope(id: string): Scope
  /** The track is now the one of its id. */
  adopt(source: SourceTrack): void
  /** A track is about to be written. */
  onTrack(): void
  onReady(): void
  /** Something that plans depend on has changed. */
  onChange(): void
  /** The publication ends. What it returns is awaited before it counts as closed. */
  onEnd(publication: PublicationNode, reason: CloseReason): Promise<void> | undefined
}
export interface SourceTrack {
  readonly track: TrackNode
  readonly clock: SourceClock
}

const isSameTrack = ({ track }: SourceTrack, spec: TrackSpec<Form>): boolean =>
  track.native === spec.native &&
  sameFormat(track.params, spec.params) &&
  track.keyframeOnRequest === (spec.onKeyframeRequest !== undefined) &&
  track.rtp?.maxPayload === spec.rtp?.maxPayload &&
  track.rtp?.h264PacketizationMode === spec.rtp?.h264PacketizationMode

export class PublicationNode implements Publication {
  readonly stream: string
  readonly label: string
  readonly options: PublishOptions
  /** Monotonic microseconds. */
  readonly since: number
  isReady = false
  readonly #host: PublicationHost
  readonly #scope: Scope
  readonly #sender: SenderTime
  readonly #ids = new Set<string>()
  #open = true

  constructor(host: PublicationHost, options: PublishOptions, scope: Scope) {
    this.stream = host.name
    this.label = options.label
    this.options = options
    this.since = host.context.clock.now()
    this.#sender = { offset: undefined, notBefore: host.endWall }
    this.#host = host
    this.#scope = scope
    scope.signal.addEventListener('abort', () => this.#end(), { once: true })
  }

  get link(): LinkStats | undefined {
    return this.options.link?.()
  }
  get closed(): Promise<CloseReason> {
    return this.#scope.closed
  }
  get signal(): AbortSignal {
    return this.#scope.signal
  }
  close(reason: CloseReason = { code: 'unpublished', detail: `${this.label} ended` }): Promise<void> {
    return this.#scope.close(reason)
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** @throws GatewayError 'closed' with the reason, when the publication has ended */
  addTrack<F extends Form>(spec: TrackSpec<F>): TrackWriter<F> {
    this.#mustBeOpen()
    if (this.#ids.has(spec.id)) throw new TypeError(`track ${spec.id} of ${this.stream} was added twice`)
    this.#ids.add(spec.id)
    this.#host.onTrack()
    const target = this.#inherit(spec) ?? this.#create(spec, spec.params)
    if (this.isReady) this.#host.onChange()
    return createWriter<F>({
      time: this.#host.context.clock,
      target,
      isOpen: () => this.#open,
      freeze: this.#host.freeze,
      onFormat: params => this.#reformat(spec, params),
      onTrait: () => this.#host.onChange(),
    })
  }

  ready(): void {
    this.#mustBeOpen()
    if (this.isReady) return
    this.isReady = true
    this.#host.onReady()
  }

  #mustBeOpen(): void {
    if (!this.#open)
      throw new GatewayError('closed', `${this.stream}: ${describeReason(reasonOf(this.signal))}`)
  }

  #inherit(spec: TrackSpec<Form>): WriterTarget | undefined {
    const heir = this.#host.heir(spec.id)
    if (heir === undefined || !isSameTrack(heir, spec)) return undefined
    const { track, clock } = heir
    clock.newSender(this.#sender)
    track.continueWith(spec.onKeyframeRequest)
    track.setParams(spec.params)
    this.#host.adopt(heir)
    const continuation = createContinuation(track, clock, () => this.#host.context.clock.wall())
    return { track, clock, continuation }
  }

  #create(spec: TrackSpec<Form>, params: CodecParameters): WriterTarget {
    const { context, time } = this.#host
    const clock = createTrackClock(params.clockRate, time, this.#sender)
    const track = new TrackNode({ ...spec, params, clock }, context, this.#host.trackScope(spec.id))
    track.syncErrorUs = () => clock.syncErrorUs
    this.#host.adopt({ track, clock })
    return { track, clock, continuation: undefined }
  }

  #reformat(spec: TrackSpec<Form>, params: CodecParameters): WriterTarget {
    const target = this.#create(spec, params)
    if (this.isReady) this.#host.onChange()
    return target
  }

  #end(): void {
    this.#open = false
    const ended = this.#host.onEnd(this, reasonOf(this.signal))
    if (ended !== undefined) this.#scope.defer(() => ended)
  }
}
