/** Tells the servers of the `webhooks` section what happens. */
import type { Logger } from '../adapters/adapter.ts'
import { fingerprint } from '../config/shown.ts'
import type { Clock, Scope } from '../core/types.ts'
import { passes } from '../events/event.ts'
import type { EventLog } from '../events/log.ts'
import type { WebhookConfig } from './config.ts'
import { Deliveries, type DeliveryCounts } from './deliveries.ts'
import { post } from './post.ts'

export interface Webhooks {
  /** Of all webhooks together, also of those that are no longer told. */
  counts(): DeliveryCounts & { readonly waiting: number }
  /** From now on these are told. One whose address stays goes on with what waits for it, in its order. */
  apply(configs: readonly WebhookConfig[]): void
}

/** At its end the last events of a webhook still go out for so long. */
const graceMs = 3000
const kinds = ['delivered', 'failed', 'dropped', 'abandoned'] as const

interface Told {
  readonly deliveries: Deliveries
  readonly stop: () => void
}

/** Follows the log until the scope closes. */
export const openWebhooks = (
  first: readonly WebhookConfig[],
  events: EventLog,
  { clock, log, scope }: { readonly clock: Clock; readonly log: Logger; readonly scope: Scope },
): Webhooks => {
  let told: readonly Told[] = []
  /** Each with the end of its last deliveries. */
  const ending = new Map<Told, Promise<void>>()
  const past = { delivered: 0, failed: 0, dropped: 0, abandoned: 0 }

  const begin = (config: WebhookConfig): Told => {
    const deliveries = new Deliveries({ config, clock, log, post, random: Math.random })
    const stop = events.on(event => {
      if (passes({ types: deliveries.config.events }, event)) deliveries.push(event)
    })
    return { deliveries, stop }
  }
  const end = (one: Told): void => {
    one.stop()
    const over = one.deliveries.close(graceMs).then(() => {
      for (const kind of kinds) past[kind] += one.deliveries.counts[kind]
      ending.delete(one)
    })
    ending.set(one, over)
  }
  const apply = (configs: readonly WebhookConfig[]): void => {
    const before = [...told]
    const take = (fits: (config: WebhookConfig) => boolean): Told | undefined => {
      const at = before.findIndex(({ deliveries }) => fits(deliveries.config))
      return at < 0 ? undefined : before.splice(at, 1)[0]
    }
    // Of several with one address, those that are as they were come first.
    const same = configs.map(config => take(other => fingerprint(other) === fingerprint(config)))
    told = configs.map((config, i) => {
      const one = same[i] ?? take(({ url }) => url === config.url) ?? begin(config)
      one.deliveries.config = config
      return one
    })
    before.forEach(end)
  }
  scope.defer(async () => {
    apply([])
    await Promise.all(ending.values())
  })
  apply(first)
  return {
    apply,
    counts() {
      const sum = { ...past, waiting: 0 }
      for (const { deliveries } of [...told, ...ending.keys()]) {
        sum.waiting += deliveries.waiting
        for (const kind of kinds) sum[kind] += deliveries.counts[kind]
      }
      return sum
    },
  }
}
