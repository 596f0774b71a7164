/** What the far side hears: a wish that may change, and the subscription that carries it out while it can. */
import { describeReason } from '../../../core/scope.ts'
import type { Egress, Registry, Scope, Subscription } from '../../../core/types.ts'
import { type GatewayError, toGatewayError } from '../../../errors.ts'

export interface HearingParts {
  readonly registry: Registry
  readonly scope: Scope
  createEgress(scope: Scope): Egress
  /** Nothing feeds the far side any more. */
  onSilence(): void
  /** The stream went away or cannot be heard; it is tried again when it is back. */
  onTrouble(stream: string, why: string): void
}

export class Hearing {
  readonly #parts: HearingParts
  #wanted: string | undefined
  #error: string | undefined
  #subscription: Subscription | undefined
  /** Changes one after the other. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(parts: HearingParts) {
    this.#parts = parts
    const { registry, scope } = parts
    scope.defer(registry.on('stream:ready', ({ name }) => void (name === this.#wanted && this.#return())))
  }

  get stream(): string | undefined {
    return this.#wanted
  }

  /** Why the wish is not carried out now. */
  get error(): string | undefined {
    return this.#error
  }

  /**
   * The stream to hear from now on. One that is not there is a wish: it is heard as soon as it is.
   * @throws GatewayError 'no-common-codec', 'transcode-unavailable'; what was heard before goes on then
   */
  hear(stream: string | undefined): Promise<void> {
    return this.#queue(() => this.#change(stream))
  }

  /** As `hear`, but one that cannot be heard is a wish as well: `error` says why, and it is tried when it is back. */
  wish(stream: string): Promise<void> {
    return this.#queue(async () => {
      try {
        await this.#change(stream)
      } catch (thrown) {
        this.#wanted = stream
        this.#trouble(toGatewayError(thrown).message)
      }
    })
  }

  /** What the far side takes has changed: what could not be heard before may be now. */
  async replan(accepts: Parameters<Subscription['replan']>[0]): Promise<void> {
    await this.#queue(async () => {
      if (this.#subscription === undefined) this.#return()
      await this.#subscription?.replan(accepts).catch((thrown: unknown) => this.#lose(toGatewayError(thrown)))
    })
  }

  async #change(stream: string | undefined): Promise<void> {
    const before = this.#subscription
    const fresh = stream === undefined ? undefined : await this.#subscribe(stream)
    this.#wanted = stream
    this.#subscription = fresh
    this.#error = stream === undefined || fresh !== undefined ? undefined : `${stream} is not live`
    if (fresh === undefined) this.#parts.onSilence()
    await before?.close({ code: 'subscriber-left', detail: 'something else is heard' })
    if (fresh === undefined) this.#return()
  }

  /** undefined: it is not live. */
  async #subscribe(stream: string): Promise<Subscription | undefined> {
    const { registry, scope, createEgress } = this.#parts
    const own = scope.child(`hears ${stream}`)
    try {
      if (registry.find(stream)?.state !== 'ready') {
        registry.wake(stream)
        return undefined
      }
      const subscription = await registry.subscribe(stream, createEgress(own), {
        signal: own.signal,
        start: 'live',
      })
      void subscription.closed.then(reason => this.#ended(subscription, describeReason(reason)))
      void subscription.closed.then(reason => own.close(reason))
      return subscription
    } catch (thrown) {
      const error = toGatewayError(thrown)
      await own.close({ code: 'failed', detail: error.message, error })
      if (error.code === 'stream-offline') return undefined
      throw error
    }
  }

  /** The stream came (back). */
  #return(): void {
    void this.#queue(async () => {
      const { registry, scope } = this.#parts
      const stream = this.#wanted
      if (stream === undefined || this.#subscription !== undefined || scope.signal.aborted) return
      if (registry.find(stream)?.state !== 'ready') return
      this.#subscription = await this.#subscribe(stream)
      if (this.#subscription !== undefined) this.#error = undefined
    }).catch((thrown: unknown) => this.#trouble(toGatewayError(thrown).message))
  }

  #ended(subscription: Subscription, why: string): void {
    if (this.#subscription !== subscription) return
    this.#subscription = undefined
    if (this.#parts.scope.signal.aborted) return
    this.#parts.onSilence()
    this.#trouble(why)
  }

  #lose(error: GatewayError): void {
    const lost = this.#subscription
    this.#subscription = undefined
    this.#parts.onSilence()
    this.#trouble(error.message)
    void lost?.close({ code: 'no-common-codec', detail: error.message, error })
  }

  #trouble(why: string): void {
    this.#error = why
    if (this.#wanted !== undefined) this.#parts.onTrouble(this.#wanted, why)
  }

  #queue(run: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(() => (this.#parts.scope.signal.aborted ? undefined : run()))
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}
