import type { AccessPolicy } from '../../access/policy.ts'
import { httpCredentials } from '../../adapters/credentials.ts'
import { type EventStreams, filterOf, sendEvents, startOf, streamEvents } from '../event-stream.ts'
import { readApi } from '../mount-routes.ts'
import { readQuery } from '../read-json.ts'
import { type ApiRoute, mediaRoute } from '../route.ts'
import { eventQuerySchema } from '../schemas/event.ts'
import type { HandleUpgrade } from '../upgrades.ts'

export const eventRoutes = (streams: EventStreams): readonly ApiRoute[] => [
  mediaRoute({
    id: 'readEvents',
    method: 'GET',
    path: '/v1/events',
    summary: 'What happens, as server-sent events; the same over WebSocket at /v1/events/ws',
    access: 'read',
    query: eventQuerySchema,
    media: 'text/event-stream',
    async run({ query, request, takeOver }) {
      const start = startOf(query, request.headers.get('last-event-id'))
      streamEvents(streams, takeOver(), filterOf(query), start)
      return undefined
    },
  }),
]

/** `/v1/events/ws`: one event as JSON a message. */
export const eventSocket =
  (streams: EventStreams, policy: AccessPolicy): HandleUpgrade =>
  async ({ request, remote, accept }) => {
    await policy.admit({ protocol: 'http', remote, ...httpCredentials(request) }, readApi)
    const query = readQuery(request, eventQuerySchema)
    sendEvents(streams, await accept(), filterOf(query), startOf(query))
  }
