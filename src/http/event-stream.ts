/** The event log as server-sent events (WHATWG HTML 9.2) and over WebSocket. */
import type { ServerResponse } from 'node:http'
import type { WebSocket } from 'ws'
import type { Logger } from '../adapters/adapter.ts'
import type { Clock } from '../core/types.ts'
import type { EventFilter, GatewayEvent } from '../events/event.ts'
import type { EventLog } from '../events/log.ts'
import { type EventOutlet, type EventStart, readEvents } from '../events/reader.ts'
import type { EventQuery } from './schemas/event.ts'

export interface EventStreams {
  readonly events: EventLog
  readonly clock: Clock
  readonly log: Logger
}

const headers = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  // nginx would gather events otherwise.
  'x-accel-buffering': 'no',
}
/** Milliseconds until a client connects again. */
const retryMs = 2000
/** Close code for "try again later": the reader was too slow. */
const tryAgainLater = 1013
/** A peer that does not read will not answer a close either. */
const closeUs = 2_000_000

export const filterOf = ({ type, stream }: EventQuery): EventFilter => ({ types: type, stream })
export const startOf = ({ recent, lastEventId }: EventQuery, header?: string | null): EventStart => ({
  after: header ?? lastEventId,
  recent,
})

export const streamEvents = (
  { events, clock, log }: EventStreams,
  response: ServerResponse,
  filter: EventFilter,
  start: EventStart,
): void => {
  const outlet: EventOutlet = {
    send: event =>
      response.write(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`),
    sendMissed: () => response.write('event: events:missed\ndata: {}\n\n'),
    beat: () => response.write(':\n\n'),
    backlog: () => response.writableLength,
    end(reason) {
      log.warn({ reader: 'sse' }, `reader of events let go: ${reason}`)
      response.destroy()
    },
  }
  response.writeHead(200, headers)
  response.write(`retry: ${retryMs}\n\n`)
  const stop = readEvents(events, clock, outlet, filter, start)
  response.once('close', stop)
  response.once('error', stop)
}

export const sendEvents = (
  { events, clock, log }: EventStreams,
  socket: WebSocket,
  filter: EventFilter,
  start: EventStart,
): void => {
  const outlet: EventOutlet = {
    send: (event: GatewayEvent) => socket.send(JSON.stringify(event)),
    sendMissed: () => socket.send(JSON.stringify({ type: 'events:missed' })),
    beat: () => socket.ping(),
    backlog: () => socket.bufferedAmount,
    end(reason) {
      log.warn({ reader: 'websocket' }, `reader of events let go: ${reason}`)
      socket.close(tryAgainLater, reason)
      const cancel = clock.after(closeUs, () => socket.terminate())
      socket.once('close', cancel)
    },
  }
  const stop = readEvents(events, clock, outlet, filter, start)
  socket.once('close', stop)
  socket.once('error', stop)
}
