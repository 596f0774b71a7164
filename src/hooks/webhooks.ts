/** Tells the servers of the `webhooks` section what happens. */
import type { Logger } from '../adapters/adapter.ts'
import type { Clock, Scope } from '../core/types.ts'
import { passes } from '../events/event.ts'
import type { EventLog } from '../events/log.ts'
import type { WebhookConfig } from './config.ts'
import { Deliveries, type DeliveryCounts } from './deliveries.ts'
import { post } from './post.ts'

export interface Webhooks {
  /** Of all webhooks together. */
  counts(): DeliveryCounts & { readonly waiting: number }
}

/** At the end the last events still go out for so long. */
const graceMs = 3000

/** Follows the log until the scope closes. */
export const openWebhooks = (
  configs: readonly WebhookConfig[],
  events: EventLog,
  { clock, log, scope }: { readonly clock: Clock; readonly log: Logger; readonly scope: Scope },
): Webhooks => {
  const all = configs.map(config => {
    const deliveries = new Deliveries({ config, clock, log, post, random: Math.random })
    const stop = events.on(event => {
      if (passes({ types: config.events }, event)) deliveries.push(event)
    })
    return { deliveries, stop }
  })
  scope.defer(async () => {
    for (const { stop } of all) stop()
    await Promise.all(all.map(({ deliveries }) => deliveries.close(graceMs)))
  })
  return {
    counts() {
      const sum = { delivered: 0, failed: 0, dropped: 0, abandoned: 0, waiting: 0 }
      for (const { deliveries } of all) {
        sum.waiting += deliveries.waiting
        for (const name of ['delivered', 'failed', 'dropped', 'abandoned'] as const)
          sum[name] += deliveries.counts[name]
      }
      return sum
    },
  }
}
