/** One source carried to any number of destinations. */
import { closable, describeReason } from '../core/scope.ts'
import type { Closable, CloseReason } from '../core/types.ts'
import { toGatewayError } from '../errors.ts'
import { maskUrls } from '../observe/mask-urls.ts'
import type { Endpoint } from './endpoint.ts'
import { isCalm, type Leg, type LegInfo, openLeg, type RunState } from './leg.ts'
import { type BridgeParts, openSource, streamName } from './source.ts'

export interface BridgeInfo {
  readonly id: string
  /** As given, without keys. */
  readonly from: string
  /** The stream it reads: the one named, or the one that the source is published under. */
  readonly stream: string
  readonly state: RunState
  readonly reason: string | undefined
  readonly to: readonly LegInfo[]
}

export interface Bridge extends Closable {
  readonly id: string
  info(): BridgeInfo
}

class RunningBridge {
  readonly stream: string
  readonly #parts: BridgeParts
  readonly #legs = new Map<Endpoint, Leg>()
  #state: RunState = 'connecting'
  #reason: CloseReason | undefined

  constructor(parts: BridgeParts) {
    this.#parts = parts
    this.stream = streamName(parts)
  }

  /** Connects the source, then all destinations at once. */
  async connect(): Promise<void> {
    const { from, to, registry, scope, waitMs, log } = this.#parts
    const publication = from.kind === 'url' ? await openSource(this.#parts, from, this.stream) : undefined
    for (const endpoint of to)
      if (endpoint.kind === 'url')
        this.#legs.set(endpoint, openLeg(endpoint, { stream: this.stream, waitMs }, registry, scope, log))
    this.#closeWhenDone(publication?.closed)
    const legs = [...this.#legs.values()]
    await Promise.all(legs.map(leg => leg.started))
    const errors = legs.map(leg => leg.info().error)
    if (legs.length > 0 && errors.every(error => error !== undefined)) throw errors[0]
    if (this.#state === 'connecting') this.#state = 'live'
  }

  /** Legs write out what they hold after their source has gone, so they are waited for. */
  #closeWhenDone(sourceEnd: Promise<CloseReason> | undefined): void {
    const { to, scope } = this.#parts
    let sourceReason: CloseReason | undefined
    void sourceEnd?.then(reason => {
      sourceReason = reason
    })
    const ends = [...this.#legs.values()].map(leg => leg.closed)
    const named = to.some(({ kind }) => kind === 'stream')
    if (named && sourceEnd !== undefined) ends.push(sourceEnd)
    void Promise.all(ends).then(reasons =>
      scope.close(sourceReason ?? reasons.find(r => !isCalm(r)) ?? reasons[0]),
    )
  }

  ended(reason: CloseReason): void {
    this.#reason = reason
    this.#state = isCalm(reason) ? 'ended' : 'failed'
  }

  info(): BridgeInfo {
    const { id, from, to } = this.#parts
    const reason = this.#reason && maskUrls(describeReason(this.#reason))
    const state = this.#state
    const named = { state, reason, plan: undefined, stats: undefined, error: undefined }
    const rows = to.map(endpoint => this.#legs.get(endpoint)?.info() ?? { to: endpoint.label, ...named })
    return { id, from: from.label, stream: this.stream, state, reason, to: rows }
  }
}

/**
 * Connects the source, then every destination.
 * @throws GatewayError when the source cannot be read, or when not one destination could be reached (the first's).
 */
export const openBridge = async (parts: BridgeParts): Promise<Bridge> => {
  const { id, scope, log } = parts
  const bridge = new RunningBridge(parts)
  void scope.closed.then(reason => {
    bridge.ended(reason)
    const { from, state } = bridge.info()
    log.info({ bridge: id, from, state }, `bridge ${state}: ${describeReason(reason)}`)
  })
  try {
    await bridge.connect()
  } catch (thrown) {
    const error = toGatewayError(thrown)
    await scope.close({ code: 'failed', detail: error.message, error })
    throw error
  }
  return { ...closable(scope), id, info: () => bridge.info() }
}
