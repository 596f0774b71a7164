/** One destination of a bridge. It fails alone: its siblings and the source never notice. */
import type { Closable, CloseReason, Scope } from '../core/types.ts'
import { Carrier } from './carrier.ts'
import type { UrlEndpoint } from './endpoint.ts'
import type { LegInfo, LegParts } from './leg-info.ts'
import { isFinal, type LinkStatus, waitsForSource } from './link-state.ts'
import { Retrying } from './retrying.ts'
import { tell } from './tell.ts'
import { wallTime } from './wall-time.ts'

export interface Leg extends Closable {
  info(): LegInfo
  /** Settles once media flows, or it is known why it does not; never rejects. */
  readonly started: Promise<void>
  /** The stream will not come back. */
  sourceOver(reason: CloseReason): void
}

/** Starts to connect at once. The leg is a child of `bridge` and ends with it. */
export const openLeg = (endpoint: UrlEndpoint, parts: LegParts, bridge: Scope): Leg => {
  const { registry, clock, stream, restream } = parts
  const scope = bridge.child(endpoint.label)
  const carrier = new Carrier(endpoint, parts)
  const started = Promise.withResolvers<void>()
  const mayWait = (): boolean => parts.mayWait() && !endpoint.once

  const onChange = (status: LinkStatus): void => {
    if (status.state === 'live' || isFinal(status)) started.resolve()
    if (status.state === 'backoff' && !(waitsForSource(status) && registry.find(stream))) started.resolve()
    parts.onChange(tell(parts.log, endpoint.label, status, link.reason))
  }
  const link = new Retrying({
    scope,
    clock,
    policy: restream.retry,
    random: Math.random,
    mayRetry: () => parts.retry && !endpoint.once,
    mayWait,
    connect: (attempt, tries, live) => carrier.carry(attempt, tries, mayWait(), live),
    onChange,
  })
  scope.defer(registry.on('stream:ready', ({ name }) => name === stream && link.sourceBack()))
  link.start()

  return {
    ...link.lifetime,
    started: started.promise,
    sourceOver: reason => link.sourceOver(reason),
    info: () => ({
      to: endpoint.label,
      state: link.status.state,
      waiting: link.status.state === 'live' ? registry.find(stream)?.waiting : undefined,
      error: link.status.lastError,
      errorAt: wallTime(clock, link.status.lastErrorAt),
      reason: link.reason,
      retries: link.status.retries,
      profile: endpoint.profile?.name,
      nextRetryAt: wallTime(clock, link.status.nextRetryAt),
      ...carrier.info(),
    }),
  }
}
