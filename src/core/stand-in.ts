/** What readers see while their publisher is away: a slate, written into the tracks that it left. */
import { GatewayError } from '../errors.ts'
import type { CodecParameters, Form } from '../media/types.ts'
import { createContinuation } from './continuation.ts'
import { describeParams } from './describe.ts'
import type { SourceTrack } from './publication.ts'
import type { StreamContext } from './stream-context.ts'
import { createTrackClock, type SenderTime } from './track-clock.ts'
import type { CloseReason, Publication, Scope, TrackSpec, TrackWriter } from './types.ts'
import { createWriter, sameFormat } from './writer.ts'

export interface StandInHost {
  readonly name: string
  readonly context: StreamContext
  /** Wall time up to which the publisher has filled the time line. */
  readonly endWall: number | undefined
  /** The track that the publisher left under this id. */
  track(id: string): SourceTrack | undefined
}

const isReordered = (params: CodecParameters): boolean => 'reordered' in params && params.reordered === true

/** Why `spec` cannot go on with what was left; undefined when it can. */
const mismatch = (
  left: SourceTrack | undefined,
  { id, native, params }: TrackSpec<Form>,
): string | undefined => {
  if (left === undefined) return `the stream has no track ${id}`
  const { track } = left
  if (track.native !== native) return `the stream's ${id} comes as ${track.native}`
  if (!sameFormat(track.params, params)) return `the stream's ${id} is ${describeParams(track.params)}`
  if (isReordered(params) && !isReordered(track.params)) return 'it has B-frames, and the stream has none'
  return undefined
}

/** A publication that brings no tracks of its own: what fits goes on with the stream's, the rest is left out by name. */
export class StandIn implements Publication {
  readonly stream: string
  readonly #label: string
  readonly #host: StandInHost
  readonly #scope: Scope
  readonly #sender: SenderTime

  constructor(host: StandInHost, label: string, scope: Scope) {
    this.stream = host.name
    this.#label = label
    this.#host = host
    this.#scope = scope
    this.#sender = { offset: undefined, notBefore: host.endWall }
  }

  get closed(): Promise<CloseReason> {
    return this.#scope.closed
  }
  get signal(): AbortSignal {
    return this.#scope.signal
  }
  close(reason: CloseReason = { code: 'unpublished', detail: `${this.#label} ended` }): Promise<void> {
    return this.#scope.close(reason)
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  addTrack<F extends Form>(spec: TrackSpec<F>): TrackWriter<F> {
    const left = this.#host.track(spec.id)
    const why = mismatch(left, spec)
    if (left !== undefined && why === undefined) return this.#goOnWith(left, spec)
    const { log } = this.#host.context
    log?.warn({ stream: this.stream }, `${this.#label}: ${describeParams(spec.params)} is left out: ${why}`)
    return this.#nowhere(spec.params)
  }

  ready(): void {
    this.#host.context.log?.info({ stream: this.stream }, `${this.#label} is shown meanwhile`)
  }

  #goOnWith<F extends Form>({ track, clock }: SourceTrack, spec: TrackSpec<F>): TrackWriter<F> {
    const { context } = this.#host
    clock.newSender(this.#sender)
    track.continueWith(undefined)
    track.setParams(spec.params)
    return createWriter<F>({
      time: context.clock,
      target: { track, clock, continuation: createContinuation(track, clock, () => context.clock.wall()) },
      isOpen: () => !this.signal.aborted,
      freeze: context.freeze,
      onFormat: params => {
        throw new GatewayError('unsupported-codec', `${this.#label} turned into ${describeParams(params)}`)
      },
      onTrait: () => undefined,
    })
  }

  #nowhere<F extends Form>(params: CodecParameters): TrackWriter<F> {
    const clock = createTrackClock(params.clockRate, { originWall: undefined }, this.#sender)
    return {
      write: () => true,
      drained: () => Promise.resolve(),
      setParams: () => undefined,
      clock,
      demand: 0,
    }
  }
}
