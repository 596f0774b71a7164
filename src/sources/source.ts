/** One stream that the gateway fetches itself: always, or while somebody wants it. */
import type { Logger, PulledSource } from '../adapters/adapter.ts'
import type { UrlEndpoint } from '../bridges/endpoint.ts'
import { isFinal, type LinkState, type LinkStatus, type RetryPolicy } from '../bridges/link-state.ts'
import { lossOf, type Outcome, Retrying } from '../bridges/retrying.ts'
import { tell } from '../bridges/tell.ts'
import { reasonOf } from '../core/scope.ts'
import type { Clock, CloseReason, Registry, Scope } from '../core/types.ts'
import { type GatewayError, toGatewayError } from '../errors.ts'
import type { SourceConfig } from './config.ts'
import { refusedForNow } from './refused-for-now.ts'

export interface SourceInfo {
  readonly stream: string
  /** As given, without keys. */
  readonly url: string
  readonly onDemand: boolean
  /** `idle`: nobody wants it. */
  readonly state: 'idle' | LinkState
  readonly lastError: GatewayError | undefined
  /** Connections tried again since it was wanted. */
  readonly retries: number
  /** Wall clock, microseconds. */
  readonly nextRetryAt: number | undefined
  readonly viewers: number
}

export interface SourceParts {
  readonly stream: string
  readonly config: SourceConfig
  readonly endpoint: UrlEndpoint
  readonly registry: Registry
  readonly retry: RetryPolicy
  readonly clock: Clock
  readonly scope: Scope
  readonly log: Logger
}

/** How the last connections went, after they are over. */
interface Past {
  readonly state: 'idle' | 'failed' | 'ended'
  readonly lastError: GatewayError | undefined
}

export class Source {
  readonly #parts: SourceParts
  #link: Retrying | undefined
  #past: Past = { state: 'idle', lastError: undefined }
  #cancelIdle: (() => void) | undefined

  constructor(parts: SourceParts) {
    this.#parts = parts
    parts.scope.defer(() => this.#watched())
    if (!parts.config.onDemand) this.#start()
  }

  get startMs(): number {
    return this.#parts.config.startS * 1000
  }

  get info(): SourceInfo {
    const { stream, endpoint, config, clock } = this.#parts
    const status = this.#link?.status ?? { ...this.#past, retries: 0, nextRetryAt: undefined }
    const { state, lastError, retries, nextRetryAt } = status
    return {
      ...{ stream, url: endpoint.label, onDemand: config.onDemand, state, lastError, retries },
      nextRetryAt: nextRetryAt === undefined ? undefined : clock.wall() + nextRetryAt - clock.now(),
      viewers: this.#viewers,
    }
  }

  /** Somebody wants the stream. */
  demand(): void {
    if (!this.#parts.config.onDemand) return
    if (this.#link === undefined) this.#start()
    this.#unwatched()
  }

  /** A viewer came or went. */
  look(): void {
    if (this.#viewers > 0) this.#watched()
    else if (this.#link !== undefined && this.#cancelIdle === undefined) this.#unwatched()
  }

  get #viewers(): number {
    const { registry, stream } = this.#parts
    return registry.find(stream)?.subscribers.length ?? 0
  }

  #start(): void {
    const { clock, scope, retry, endpoint, log } = this.#parts
    const own = scope.child('fetching')
    const link = new Retrying({
      scope: own,
      clock,
      policy: retry,
      random: Math.random,
      mayRetry: () => true,
      mayWait: () => false,
      connect: (attempt, _tries, live) => this.#connect(attempt, live),
      onChange: (status: LinkStatus) => {
        tell(log, endpoint.label, status, link.reason)
        if (isFinal(status)) this.#over(link, status)
      },
    })
    this.#link = link
    link.start()
  }

  #over(link: Retrying, { state, lastError }: LinkStatus): void {
    if (this.#link !== link) return
    this.#link = undefined
    this.#watched()
    const wanted = link.reason?.code === 'unpublished'
    this.#past = { state: wanted ? 'idle' : state === 'failed' ? 'failed' : 'ended', lastError }
  }

  async #connect(attempt: Scope, live: () => void): Promise<Outcome> {
    const { registry, stream, endpoint } = this.#parts
    const label = `source ${endpoint.label}`
    try {
      let pulled: PulledSource | undefined
      const publication = registry.publish(stream, {
        ...{ label, signal: attempt.signal, onConflict: 'reject' },
        returns: !endpoint.once,
        link: () => pulled?.link?.(),
      })
      attempt.defer(() => publication.close(reasonOf(attempt.signal)))
      const { adapter, context, config } = endpoint.dialer
      const source = await adapter.pull!(context, config, endpoint.url, publication)
      pulled = source
      attempt.defer(() => source.close(reasonOf(attempt.signal)))
      live()
      this.look()
      const reason = await Promise.race([source.closed, publication.closed])
      const outcome = this.#afterwards(attempt, reason)
      // However it ended over there, here it is connected again: readers are kept as for any publisher that was lost.
      await publication.close(outcome.kind === 'lost' ? { ...reason, code: 'source-lost' } : reason)
      return outcome
    } catch (thrown) {
      return { kind: 'lost', error: refusedForNow(toGatewayError(thrown)) }
    }
  }

  #afterwards({ signal }: Scope, reason: CloseReason): Outcome {
    if (signal.aborted) return { kind: 'ended', reason: reasonOf(signal) }
    if (this.#parts.endpoint.once && reason.code === 'source-ended') return { kind: 'ended', reason }
    return { kind: 'lost', error: refusedForNow(lossOf(reason)) }
  }

  #watched(): void {
    this.#cancelIdle?.()
    this.#cancelIdle = undefined
  }

  /** From now on it has so long to be wanted again; a viewer that waits for it counts as long as it may wait. */
  #unwatched(): void {
    const { config, clock } = this.#parts
    if (!config.onDemand) return
    this.#watched()
    const isLive = this.#link?.status.state === 'live'
    const leftS = isLive ? config.idleS : Math.max(config.idleS, config.startS)
    this.#cancelIdle = clock.after(leftS * 1e6, () => this.#idle(leftS))
  }

  #idle(afterS: number): void {
    this.#cancelIdle = undefined
    if (this.#viewers > 0) return
    const detail = `nobody has watched it for ${afterS} s`
    void this.#link?.lifetime.close({ code: 'unpublished', detail })
  }
}
