/** Watches that the bytes of one connection move. */
import type { Clock, Egress, Scope, Subscription } from '../core/types.ts'
import { GatewayError } from '../errors.ts'
import type { RestreamConfig } from '../restream/config.ts'
import type { Outcome } from './retrying.ts'
import { createStallWatch, type FlowSample } from './stall.ts'

/** Looks so many times within the time that nothing may stand still. */
const looks = 10

const sampleOf = (clock: Clock, egress: Egress, { stats }: Subscription): FlowSample => {
  const { taken, acknowledged } = egress.progress?.() ?? { taken: stats.bytes - (egress.backlog?.() ?? 0) }
  return { now: clock.now(), offered: stats.units + stats.dropped, taken, acknowledged }
}

/** Resolves when nothing has moved for `stallMs`: so that it is never called live for longer. */
export const watchFlow = (
  scope: Scope,
  egress: Egress,
  subscription: Subscription,
  { clock, restream }: { readonly clock: Clock; readonly restream: RestreamConfig },
): Promise<Outcome> =>
  new Promise(resolve => {
    const tickMs = restream.stallMs / looks
    const watch = createStallWatch(restream.stallMs - tickMs)
    let cancel = (): void => undefined
    const look = (): void => {
      const stalled = watch.look(sampleOf(clock, egress, subscription))
      if (stalled === undefined) cancel = clock.after(tickMs * 1000, look)
      else resolve({ kind: 'lost', error: new GatewayError('timeout', `${egress.label}: ${stalled}`) })
    }
    scope.defer(() => cancel())
    look()
  })
