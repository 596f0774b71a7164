/** The readers of one stream: who has joined, and how each leaves. */
import { describePlan } from './describe.ts'
import { describeReason } from './scope.ts'
import type { CoreLog } from './stream-context.ts'
import type { SubscriptionNode } from './subscription.ts'
import type { CloseReason, Scope, SubscriberInfo } from './types.ts'

export interface ReadersEvents {
  onJoined(label: string): void
  onLeft(label: string, reason: CloseReason): void
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
    return [...this.#all].map(({ egress, plan, stats }) => ({ label: egress.label, plan, stats }))
  }

  /** `scope` is the subscription's own. */
  join(subscription: SubscriptionNode, scope: Scope): void {
    const { egress } = subscription
    this.#all.add(subscription)
    scope.defer(async () => {
      const reason = scope.signal.reason as CloseReason
      this.#all.delete(subscription)
      await egress.close(reason)
      const { units, dropped } = subscription.stats
      const fields = { stream: this.#stream, units, dropped }
      this.#log?.info(fields, `${egress.label} left: ${describeReason(reason)}`)
      this.#events.onLeft(egress.label, reason)
    })
    void egress.closed.then(reason => subscription.close(reason))
    const plan = describePlan(subscription.plan)
    this.#log?.info({ stream: this.#stream, plan }, `${egress.label} joined`)
    this.#events.onJoined(egress.label)
  }

  /** The stream's tracks have changed. */
  retune(): void {
    for (const subscription of this.#all) void subscription.retune()
  }

  dismiss(reason: CloseReason): void {
    for (const subscription of this.#all) void subscription.close(reason)
  }
}
