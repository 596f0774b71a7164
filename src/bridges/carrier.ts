/** Connections of one destination, one after the other: dials, subscribes, watches that bytes move. */

import type { PeerDescription } from '../adapters/adapter.ts'
import { reasonOf } from '../core/scope.ts'
import type { CloseReason, Egress, Scope, StreamInfo, Subscription } from '../core/types.ts'
import { GatewayError, toGatewayError } from '../errors.ts'
import type { Check } from '../restream/preflight.ts'
import { type ProfiledEgress, profileEgress } from '../restream/profiled-egress.ts'
import { pushUrl, type UrlEndpoint } from './endpoint.ts'
import { watchFlow } from './flow.ts'
import type { LegInfo, LegParts } from './leg-info.ts'
import { isCalm, lossOf, type Outcome } from './retrying.ts'
import { untilReady } from './until-ready.ts'

/** A publisher that is there may take so long until its tracks are known. */
const announcedWaitMs = 10_000

export class Carrier {
  readonly #endpoint: UrlEndpoint
  readonly #parts: LegParts
  #subscription: Subscription | undefined
  #profiled: ProfiledEgress | undefined
  /** Of the connections before the present one. */
  #bytesBefore = 0
  #peer: PeerDescription | undefined

  constructor(endpoint: UrlEndpoint, parts: LegParts) {
    this.#endpoint = endpoint
    this.#parts = parts
  }

  /** One connection, up to its end. `patient`: a stream that is not there is not waited for here. */
  async carry(scope: Scope, tries: number, patient: boolean, live: () => void): Promise<Outcome> {
    const source = await this.#source(scope, patient)
    if ('kind' in source) return source
    const egress = await this.#dial(scope, tries)
    if (scope.signal.aborted) return { kind: 'ended', reason: reasonOf(scope.signal) }
    const subscription = await this.#subscribe(scope, egress)
    if ('kind' in subscription) return subscription
    const over = this.#over(scope, egress, subscription)
    const stalled = watchFlow(scope, egress, subscription, this.#parts)
    live()
    return Promise.race([over, stalled])
  }

  info(): Pick<LegInfo, 'plan' | 'stats' | 'bytes' | 'preflight' | 'peer'> {
    const stats = this.#subscription?.stats
    return {
      plan: this.#subscription?.plan,
      stats,
      bytes: this.#bytesBefore + (stats?.bytes ?? 0),
      preflight: this.#checks(),
      peer: this.#peer,
    }
  }

  #checks(): readonly Check[] {
    const { registry, stream } = this.#parts
    return this.#profiled?.checks(registry.find(stream)?.tracks ?? [], this.#subscription?.plan) ?? []
  }

  async #source(scope: Scope, patient: boolean): Promise<StreamInfo | Outcome> {
    const { registry, clock, stream, waitMs } = this.#parts
    const isThere = registry.find(stream) !== undefined
    const wait = isThere ? Math.max(waitMs, announcedWaitMs) : waitMs
    try {
      if (patient && !isThere) {
        registry.wake(stream)
        throw new GatewayError('stream-offline', `waiting for ${stream} to be published`)
      }
      return await untilReady(registry, clock, stream, wait, scope.signal)
    } catch (thrown) {
      return this.#afterwards(scope, failure(thrown as GatewayError))
    }
  }

  async #dial(scope: Scope, tries: number): Promise<Egress> {
    const { dialer, profile, label } = this.#endpoint
    const tellPeer = (peer: PeerDescription): void => {
      this.#peer = peer
      this.#parts.onPeer(label, peer)
    }
    const context = { ...dialer.context, tellPeer }
    const egress = await dialer.adapter.push!(context, dialer.config, pushUrl(this.#endpoint, tries))
    scope.defer(() => egress.close(reasonOf(scope.signal)))
    if (profile === undefined) return egress
    const profiled = profileEgress(egress, profile, {
      ...this.#parts,
      onAccepts: () => void this.#replan(profiled),
    })
    this.#profiled = profiled
    return profiled
  }

  async #subscribe(scope: Scope, egress: Egress): Promise<Subscription | Outcome> {
    const { registry, stream, policy } = this.#parts
    try {
      const start = egress.live === true ? 'live' : 'last-gop'
      const options = { signal: scope.signal, start, policy } as const
      const subscription = await registry.subscribe(stream, egress, options)
      this.#bytesBefore += this.#subscription?.stats.bytes ?? 0
      this.#subscription = subscription
      return subscription
    } catch (thrown) {
      // Whatever the subscription says, a destination that has hung up meanwhile is the reason.
      if (egress.signal.aborted) return this.#afterwards(scope, reasonOf(egress.signal))
      return this.#afterwards(scope, failure(thrown as GatewayError))
    }
  }

  /** Where the encoder that is wanted does not come, the picture goes out as it is: any picture is better than none. */
  async #replan(egress: ProfiledEgress): Promise<void> {
    const { registry, stream, log } = this.#parts
    const again = async (): Promise<boolean> => {
      const tracks = registry.find(stream)?.tracks ?? []
      const plan = await this.#subscription?.replan(egress.accepts(tracks))
      return plan?.ok === true && plan.tracks.some(({ accept }) => accept.kind === 'video')
    }
    try {
      if (await again()) return
      egress.doWithoutEncoder()
      await again()
    } catch (thrown) {
      egress.doWithoutEncoder()
      log.warn(
        { to: this.#endpoint.label },
        `its picture is not encoded anew: ${toGatewayError(thrown).message}`,
      )
    }
  }

  async #over(scope: Scope, egress: Egress, subscription: Subscription): Promise<Outcome> {
    const reason = await Promise.race([egress.closed, subscription.closed])
    return this.#afterwards(scope, reason)
  }

  #afterwards(scope: Scope, reason: CloseReason): Outcome {
    const { registry, stream } = this.#parts
    const isLive = registry.find(stream)?.state === 'ready'
    if (scope.signal.aborted) return { kind: 'ended', reason: reasonOf(scope.signal) }
    if (reason.code === 'shutdown' || (reason.code === 'subscriber-left' && isLive))
      return { kind: 'ended', reason }
    if (!isLive || isCalm(reason)) return { kind: 'source-gone', reason }
    return { kind: 'lost', error: lossOf(reason) }
  }
}

const failure = (error: GatewayError): CloseReason => ({ code: 'failed', detail: error.message, error })
