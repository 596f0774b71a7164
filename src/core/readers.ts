/** The readers of one stream: who has joined, and how each leaves. */
import { describePlan } from './describe.ts'
import { describeReason, reasonOf } from './scope.ts'
import type { CoreLog } from './stream-context.ts'
import type { SubscriptionNode } from './subscription.ts'
import type { CloseReason, Scope, SubscriberInfo } from './types.ts'

export interface ReadersEvents {
  onJoined(reader: SubscriberInfo): void
  onLeft(reader: SubscriberInfo, reason: CloseReason): void
}

export class Readers {
  readonly #stream: string
  readonly #log: CoreLog | undefined
  readonly #events: ReadersEvents
  readonly #all = new Set<SubscriptionNode>()

  constructor(stream: string, log: CoreLog | undefined, events: ReadersEvents) {
    this.#stream = stream
    this.#log = log
    this.#events = events
  }

  get size(): number {
    return this.#all.size
  }
  get info(): SubscriberInfo[] {
    return [...this.#all].map(({ info }) => info)
  }

  /** `scope` is the subscription's own. */
  join(subscription: SubscriptionNode, scope: Scope): void {
    const { egress } = subscription
    this.#all.add(subscription)
    const leave = subscription.enterTally()
    // Told at once, before the stream's own end is: what its egress has still to do may take its time.
    const left = (): void => {
      this.#all.delete(subscription)
      leave()
      this.#left(subscription, reasonOf(scope.signal))
    }
    scope.signal.addEventListener('abort', left, { once: true })
    scope.defer(() => egress.close(reasonOf(scope.signal)))
    void egress.closed.then(reason => subscription.close(reason))
    const plan = describePlan(subscription.plan)
    this.#log?.info({ stream: this.#stream, plan }, `${egress.label} joined`)
    this.#events.onJoined(subscription.info)
  }

  #left({ egress, info }: SubscriptionNode, reason: CloseReason): void {
    const { units, dropped } = info.stats
    const fields = { stream: this.#stream, units, dropped }
    this.#log?.info(fields, `${egress.label} left: ${describeReason(reason)}`)
    this.#events.onLeft(info, reason)
  }

  /** false: no reader has this id. */
  end(id: string, reason: CloseReason): boolean {
    const reader = [...this.#all].find(subscription => subscription.id === id)
    void reader?.close(reason)
    return reader !== undefined
  }

  /** The stream's tracks have changed. */
  retune(): void {
    for (const subscription of this.#all) void subscription.retune()
  }

  dismiss(reason: CloseReason): void {
    for (const subscription of this.#all) void subscription.close(reason)
  }
}
