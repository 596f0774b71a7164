/** One reader of the event log over a connection of any kind; one that does not keep up is let go. */
import type { Clock } from '../core/types.ts'
import { type EventFilter, type GatewayEvent, passes } from './event.ts'
import type { EventLog } from './log.ts'

/** The connection to a reader. */
export interface EventOutlet {
  send(event: GatewayEvent): void
  /** Events that it asks for are gone: it should look at the whole state again. */
  sendMissed(): void
  /** Keeps proxies and the peer from taking silence for death. */
  beat(): void
  /** Bytes that wait. */
  backlog(): number
  /** `reason` in one sentence. */
  end(reason: string): void
}

export interface EventStart {
  /** The last event it has. */
  readonly after?: string | undefined
  /** Else so many of the newest first. */
  readonly recent?: number | undefined
}

/** Thousands of events: nobody who reads at all falls so far behind. */
const maxBacklogBytes = 1 << 20
const beatUs = 15_000_000

/**
 * Sends what was missed and then what comes.
 * @returns the end of it, for when the connection is gone
 */
export const readEvents = (
  log: EventLog,
  clock: Clock,
  outlet: EventOutlet,
  filter: EventFilter,
  { after, recent = 0 }: EventStart,
): (() => void) => {
  const replay = after === undefined ? undefined : log.after(after)
  if (replay?.isIncomplete === true) outlet.sendMissed()
  for (const event of replay?.events ?? log.recent(recent)) if (passes(filter, event)) outlet.send(event)

  const stop = (): void => {
    off()
    cancel()
  }
  const off = log.on(event => {
    if (!passes(filter, event)) return
    const backlog = outlet.backlog()
    if (backlog <= maxBacklogBytes) {
      outlet.send(event)
      return
    }
    stop()
    outlet.end(`too slow: ${backlog} bytes of events wait, ${maxBacklogBytes} may`)
  })
  const beat = (): (() => void) =>
    clock.after(beatUs, () => {
      outlet.beat()
      cancel = beat()
    })
  let cancel = beat()
  return stop
}
