/** One destination of a bridge. It fails alone: its siblings and the source never notice. */
import type { Logger } from '../adapters/adapter.ts'
import { closable, describeReason } from '../core/scope.ts'
import type {
  Closable,
  CloseCode,
  CloseReason,
  Egress,
  Plan,
  Registry,
  Scope,
  Subscription,
  SubscriptionStats,
} from '../core/types.ts'
import { GatewayError, toGatewayError } from '../errors.ts'
import { maskUrls } from '../observe/mask-urls.ts'
import type { UrlEndpoint } from './endpoint.ts'

export type RunState = 'connecting' | 'live' | 'ended' | 'failed'

export interface LegInfo {
  /** The destination as given, without its keys. */
  readonly to: string
  readonly state: RunState
  /** What happens to each track on its way; undefined until the source's tracks are known. */
  readonly plan: Plan | undefined
  readonly stats: SubscriptionStats | undefined
  /** Why it ended or failed. */
  readonly reason: string | undefined
  /** What made it fail. */
  readonly error: GatewayError | undefined
}

export interface Leg extends Closable {
  info(): LegInfo
  /** Settles once media flows or the leg has failed; never rejects. */
  readonly started: Promise<void>
}

export interface LegSource {
  readonly stream: string
  /** How long the stream may take to appear, milliseconds. */
  readonly waitMs: number
}

const calm: ReadonlySet<CloseCode> = new Set(['source-ended', 'unpublished', 'subscriber-left', 'shutdown'])
/** Did it end as wished, and not by a fault? */
export const isCalm = (reason: CloseReason): boolean => calm.has(reason.code)

class RunningLeg {
  state: RunState = 'connecting'
  reason: CloseReason | undefined
  error: GatewayError | undefined
  subscription: Subscription | undefined
  readonly #endpoint: UrlEndpoint
  readonly #scope: Scope

  constructor(endpoint: UrlEndpoint, scope: Scope) {
    this.#endpoint = endpoint
    this.#scope = scope
  }

  /** Connects and subscribes; resolves once media flows. */
  async connect(registry: Registry, source: LegSource): Promise<void> {
    const { dialer, url } = this.#endpoint
    const egress = await dialer.adapter.push!(dialer.context, dialer.config, url)
    this.#scope.defer(() => egress.close(this.reason))
    this.#follow(egress)
    const signal = this.#scope.signal
    this.subscription = await registry.subscribe(source.stream, egress, {
      ...source,
      signal,
      start: 'last-gop',
    })
    this.state = 'live'
    void this.subscription.closed.then(reason => this.end(reason))
  }

  #follow(egress: Egress): void {
    void egress.closed.then(reason => this.end(reason))
  }

  end(reason: CloseReason): void {
    if (this.reason !== undefined) return
    this.reason = reason
    this.state = isCalm(reason) ? 'ended' : 'failed'
    if (this.state === 'failed') this.error ??= new GatewayError('closed', describeReason(reason))
    void this.#scope.close(reason)
  }

  fail(thrown: unknown): void {
    if (this.reason !== undefined) return
    this.error = toGatewayError(thrown)
    this.end({ code: 'failed', detail: this.error.message, error: this.error })
  }

  info(): LegInfo {
    const { error, reason } = this
    return {
      to: this.#endpoint.label,
      state: this.state,
      plan: this.subscription?.plan,
      stats: this.subscription?.stats,
      reason: error !== undefined ? maskUrls(error.message) : reason && maskUrls(describeReason(reason)),
      error,
    }
  }
}

/** Starts to connect at once. The leg is a child of `bridge` and ends with it. */
export const openLeg = (
  endpoint: UrlEndpoint,
  source: LegSource,
  registry: Registry,
  bridge: Scope,
  log: Logger,
): Leg => {
  const scope = bridge.child(endpoint.label)
  const leg = new RunningLeg(endpoint, scope)
  const started = leg.connect(registry, source).catch((thrown: unknown) => leg.fail(thrown))
  void scope.closed.then(reason => {
    leg.end(reason)
    const { state, reason: why, to } = leg.info()
    log[state === 'failed' ? 'warn' : 'info']({ to, state }, `bridge leg ${state}: ${why}`)
  })
  return { ...closable(scope), started, info: () => leg.info() }
}
