/** Keeps one end of a bridge connected: carries out what the state machine says, one connection at a time. */
import { closable, describeReason, reasonOf } from '../core/scope.ts'
import type { Clock, Closable, CloseReason, Scope } from '../core/types.ts'
import { type ErrorCode, GatewayError, toGatewayError } from '../errors.ts'
import {
  initialStatus,
  isFinal,
  type LinkEvent,
  type LinkStatus,
  type RetryPolicy,
  reduceLink,
  waitsForSource,
} from './link-state.ts'

/** How a connection came to its end. */
export type Outcome =
  | { readonly kind: 'lost'; readonly error: GatewayError }
  /** There is nothing more to carry; it is no fault of this end. */
  | { readonly kind: 'source-gone'; readonly reason: CloseReason }
  /** It was ended on request. */
  | { readonly kind: 'ended'; readonly reason: CloseReason }

export interface RetryingOptions {
  readonly scope: Scope
  readonly clock: Clock
  readonly policy: RetryPolicy
  /** In [0, 1). */
  readonly random: () => number
  /** May it be tried again after `error`? */
  mayRetry(error: GatewayError): boolean
  /** May it wait for its source to come back? */
  mayWait(): boolean
  /**
   * One connection from its beginning to its end; `live` is called when media may flow. `tries`: connections before
   * this one that did not last.
   */
  connect(scope: Scope, tries: number, live: () => void): Promise<Outcome>
  onChange(status: LinkStatus): void
}

export class Retrying {
  status: LinkStatus = initialStatus
  /** Why it is over, once it is. */
  reason: CloseReason | undefined
  readonly #options: RetryingOptions
  #cancelTimer: (() => void) | undefined
  #attempt: Scope | undefined
  /** The source came back while the connection to carry it was still being closed. */
  #sourceIsBack = false

  constructor(options: RetryingOptions) {
    this.#options = options
    const { scope } = options
    scope.defer(() => this.#cancelTimer?.())
    scope.signal.addEventListener('abort', () => this.#end(reasonOf(scope.signal)), { once: true })
  }

  get lifetime(): Closable {
    return closable(this.#options.scope)
  }

  start(): void {
    this.#options.onChange(this.status)
    void this.#connect()
  }

  /** What it waits for is there again. */
  sourceBack(): void {
    this.#sourceIsBack = true
    this.#dispatch({ type: 'source-back' })
  }

  /** Its source will not come back: waiting is over. */
  sourceOver(reason: CloseReason): void {
    if (waitsForSource(this.status)) this.#end(reason)
  }

  #dispatch(event: LinkEvent): void {
    const before = this.status
    this.status = reduceLink(before, event, this.#options.policy)
    if (this.status === before) return
    if (this.status.state === 'failed') this.reason ??= failed(this.status.lastError)
    this.#options.onChange(this.status)
    const { state, nextRetryAt } = this.status
    if (state === 'connecting') void this.#connect()
    if (state === 'backoff' && nextRetryAt !== undefined) this.#wakeAt(nextRetryAt)
    if (isFinal(this.status)) void this.#options.scope.close(this.reason)
  }

  #wakeAt(at: number): void {
    const { clock } = this.#options
    this.#cancelTimer?.()
    this.#cancelTimer = clock.after(at - clock.now(), () => this.#dispatch({ type: 'due' }))
  }

  async #connect(): Promise<void> {
    const { scope, clock, connect } = this.#options
    const attempt = scope.child('connection')
    this.#attempt = attempt
    this.#sourceIsBack = false
    const live = (): void => {
      if (this.#attempt === attempt) this.#dispatch({ type: 'live', at: clock.now() })
    }
    const outcome = await connect(attempt, this.status.step, live).catch(
      (thrown: unknown): Outcome => ({ kind: 'lost', error: toGatewayError(thrown) }),
    )
    // The old connection is let go before its end counts: two at once would fight for one name.
    await attempt.close(reasonFor(outcome))
    this.#attempt = undefined
    this.#conclude(outcome)
  }

  #conclude(outcome: Outcome): void {
    const { clock, random, mayRetry, mayWait } = this.#options
    const at = clock.now()
    if (outcome.kind === 'ended') this.#end(outcome.reason)
    else if (outcome.kind === 'lost')
      this.#dispatch({
        type: 'lost',
        at,
        error: outcome.error,
        random: random(),
        final: !mayRetry(outcome.error),
      })
    else if (mayWait()) {
      this.#dispatch({ type: 'source-gone', at, error: offline(outcome.reason) })
      if (this.#sourceIsBack) this.#dispatch({ type: 'source-back' })
    } else this.#endWithSource(outcome.reason, at)
  }

  #endWithSource(reason: CloseReason, at: number): void {
    if (isCalm(reason)) this.#end(reason)
    else this.#dispatch({ type: 'lost', at, error: lossOf(reason, 'stream-offline'), random: 0, final: true })
  }

  #end(reason: CloseReason): void {
    this.reason ??= reason
    this.#cancelTimer?.()
    this.#dispatch({ type: 'ended' })
  }
}

const calm: ReadonlySet<CloseReason['code']> = new Set([
  'source-ended',
  'source-lost',
  'unpublished',
  'subscriber-left',
  'shutdown',
])
/** Did it end as wished, and not by a fault? */
export const isCalm = (reason: CloseReason): boolean => calm.has(reason.code)

/** What it was lost for: the error of the reason, or its words as one. */
export const lossOf = (reason: CloseReason, otherwise: ErrorCode = 'closed'): GatewayError => {
  if (reason.error instanceof GatewayError) return reason.error
  const isTimeout = reason.code === 'timeout'
  return new GatewayError(
    isTimeout ? reason.code : otherwise,
    isTimeout ? reason.detail : describeReason(reason),
  )
}

const offline = (reason: CloseReason): GatewayError =>
  reason.error instanceof GatewayError
    ? reason.error
    : new GatewayError('stream-offline', describeReason(reason))

const failed = (error: GatewayError | undefined): CloseReason => ({
  code: 'failed',
  ...(error !== undefined && { detail: error.message, error }),
})

const reasonFor = (outcome: Outcome): CloseReason =>
  outcome.kind === 'lost' ? failed(outcome.error) : outcome.reason
