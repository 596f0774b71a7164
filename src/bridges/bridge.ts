/** One source carried to any number of destinations. */
import type { PeerDescription } from '../adapters/adapter.ts'
import { closable, describeReason } from '../core/scope.ts'
import type { Closable, CloseReason, WaitingInfo } from '../core/types.ts'
import { GatewayError, toGatewayError } from '../errors.ts'
import { maskUrls } from '../observe/mask-urls.ts'
import type { Endpoint } from './endpoint.ts'
import { type Leg, openLeg } from './leg.ts'
import type { LegInfo, LegParts } from './leg-info.ts'
import type { LinkState } from './link-state.ts'
import type { BridgeParts } from './parts.ts'
import { isCalm } from './retrying.ts'
import { openSource, type Source, streamName } from './source.ts'
import { wallTime } from './wall-time.ts'

export interface SourceInfo {
  readonly state: LinkState
  readonly error: GatewayError | undefined
  readonly retries: number
  /** What its other end must know, where no signalling tells it. */
  readonly peer: PeerDescription | undefined
}
export interface BridgeInfo {
  readonly id: string
  /** As given, without keys. */
  readonly from: string
  /** The stream it reads: the one named, or the one that the source is published under. */
  readonly stream: string
  /** That of its destination that is best off. */
  readonly state: LinkState
  /** The publisher of the stream is away, within its grace time. */
  readonly waiting: WaitingInfo | undefined
  /** Why it is over, when it is. */
  readonly reason: string | undefined
  /** How the source is, where the bridge connects it. */
  readonly source: SourceInfo | undefined
  readonly legs: readonly LegInfo[]
}

export interface Bridge extends Closable {
  readonly id: string
  info(): BridgeInfo
  /**
   * Ends one destination, by its place in `info().legs`; the bridge ends with the last.
   * @returns false: there is none at this place
   * @throws GatewayError 'bad-request' for one that is no destination of its own, 'busy' before the source is connected
   */
  closeLeg(place: number, reason: CloseReason): Promise<boolean>
}

/** How and why it ended; a reason of something failed says already that it did. */
export const endWords = (state: LinkState, why: string | undefined): string =>
  why?.startsWith(`${state}: `) ? why : `${state}: ${why}`

const bestFirst: readonly LinkState[] = ['live', 'connecting', 'backoff', 'ended', 'failed']

class RunningBridge {
  readonly stream: string
  readonly #parts: BridgeParts
  readonly #legs = new Map<Endpoint, Leg>()
  #source: Source | undefined
  #sourceReason: CloseReason | undefined
  #reason: CloseReason | undefined

  constructor(parts: BridgeParts) {
    this.#parts = parts
    this.stream = streamName(parts)
  }

  /** Connects the source, then all destinations at once; those of a source that has yet to come are not waited for. */
  async connect(): Promise<void> {
    const { from, to, scope } = this.#parts
    if (from.kind === 'url') {
      this.#source = openSource(this.#parts, from, this.stream)
      if (this.#parts.patient) void this.#source.first.catch(() => undefined)
      else await this.#source.first
    }
    // Whoever is to send must first be told where to: it is waited for, however long that takes.
    const isAwaited = this.#source?.peer()?.does === 'send'
    const legParts = this.#legParts(isAwaited)
    for (const endpoint of to)
      if (endpoint.kind === 'url') this.#legs.set(endpoint, openLeg(endpoint, legParts, scope))
    this.#closeWhenDone()
    if (isAwaited) return
    const legs = [...this.#legs.values()]
    await Promise.all(legs.map(leg => leg.started))
    const infos = legs.map(leg => leg.info())
    if (infos.length > 0 && infos.every(({ state }) => state === 'failed')) throw infos[0]!.error
  }

  #legParts(isAwaited: boolean): LegParts {
    const { from, retry, waitMs } = this.#parts
    const comesBack = retry && !(from.kind === 'url' && from.once)
    return {
      ...this.#parts,
      stream: this.stream,
      waitMs: isAwaited ? Number.POSITIVE_INFINITY : waitMs,
      mayWait: () => comesBack && this.#sourceReason === undefined,
    }
  }

  /** Legs write out what they hold after their source has gone, so they are waited for. */
  #closeWhenDone(): void {
    const { to, scope } = this.#parts
    const legs = [...this.#legs.values()]
    const ends = legs.map(leg => leg.closed)
    void this.#source?.closed.then(reason => {
      this.#sourceReason = reason
      for (const leg of legs) leg.sourceOver(reason)
    })
    const named = to.some(({ kind }) => kind === 'stream')
    if (named && this.#source !== undefined) ends.push(this.#source.closed)
    void Promise.all(ends).then(reasons =>
      scope.close(this.#sourceReason ?? reasons.find(r => !isCalm(r)) ?? reasons[0]),
    )
  }

  async closeLeg(place: number, reason: CloseReason): Promise<boolean> {
    const endpoint = this.#parts.to[place]
    if (endpoint === undefined) return false
    if (endpoint.kind === 'stream')
      throw new GatewayError(
        'bad-request',
        `${endpoint.label} is what the source is called: it ends with the bridge`,
      )
    const leg = this.#legs.get(endpoint)
    if (leg === undefined)
      throw new GatewayError('busy', 'its source is not connected yet', { retryAfterS: 1 })
    await leg.close(reason)
    return true
  }

  ended(reason: CloseReason): void {
    this.#reason = reason
  }

  info(): BridgeInfo {
    const { id, from, to } = this.#parts
    const legs = to.map(endpoint => this.#legs.get(endpoint)?.info() ?? this.#namedRow(endpoint))
    return {
      id,
      from: from.label,
      stream: this.stream,
      state: this.#state(legs),
      waiting: legs.find(({ waiting }) => waiting !== undefined)?.waiting,
      reason: this.#reason && maskUrls(describeReason(this.#reason)),
      source: this.#sourceInfo(),
      legs,
    }
  }

  #sourceInfo(): SourceInfo | undefined {
    if (this.#source === undefined) return undefined
    const { state, lastError, retries } = this.#source.status()
    return { state, error: lastError, retries, peer: this.#source.peer() }
  }

  #state(legs: readonly LegInfo[]): LinkState {
    if (this.#reason !== undefined) return isCalm(this.#reason) ? 'ended' : 'failed'
    return bestFirst.find(state => legs.some(leg => leg.state === state)) ?? 'connecting'
  }

  /** A `stream:` destination is the source itself under that name. */
  #namedRow({ label }: Endpoint): LegInfo {
    const status = this.#source?.status()
    return {
      to: label,
      state: status?.state ?? 'connecting',
      waiting: undefined,
      error: status?.lastError,
      errorAt: wallTime(this.#parts.clock, status?.lastErrorAt),
      reason: this.#reason,
      retries: status?.retries ?? 0,
      nextRetryAt: undefined,
      plan: undefined,
      stats: undefined,
      bytes: 0,
      profile: undefined,
      preflight: [],
      peer: undefined,
    }
  }
}

/** A bridge on its way. It is there at once; `connected` says how its first connections went. */
export interface OpeningBridge {
  readonly bridge: Bridge
  /** Rejects with a GatewayError when the source cannot be read, or when every destination has failed (the first's). */
  readonly connected: Promise<void>
}

/** Connects the source, then every destination. */
export const openBridge = (parts: BridgeParts): OpeningBridge => {
  const { id, scope, log } = parts
  const running = new RunningBridge(parts)
  void scope.closed.then(reason => {
    running.ended(reason)
    const { from, state } = running.info()
    const why = maskUrls(describeReason(reason))
    log.info({ from, state }, `bridge ${endWords(state, why)}`)
  })
  const connected = running.connect().catch(async (thrown: unknown) => {
    const error = toGatewayError(thrown)
    await scope.close({ code: 'failed', detail: error.message, error })
    throw error
  })
  const bridge: Bridge = {
    ...closable(scope),
    id,
    info: () => running.info(),
    closeLeg: (place, reason) => running.closeLeg(place, reason),
  }
  return { bridge, connected }
}
