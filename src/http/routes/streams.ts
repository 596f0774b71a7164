import { parseStreamName } from '../../core/stream-name.ts'
import type { Registry } from '../../core/types.ts'
import { GatewayError } from '../../errors.ts'
import { readApi } from '../mount-routes.ts'
import { type ApiRoute, type Call, emptyRoute, jsonRoute } from '../route.ts'
import { kickSchema, streamSchema, streamsSchema } from '../schemas/stream.ts'
import { streamView } from '../views.ts'

const nameOf = ({ params }: Call): string => parseStreamName(params.name ?? '')
const detailOf = (call: Call<unknown, { readonly reason?: string | undefined }>): string =>
  call.body.reason ?? `ended by ${call.remote} over the API`

/** What is live, who publishes and who watches. */
export const streamRoutes = (registry: Registry): readonly ApiRoute[] => [
  jsonRoute({
    id: 'listStreams',
    method: 'GET',
    path: '/v1/streams',
    summary:
      'Every stream that the caller may play; those who may use the API see who publishes and who watches',
    access: 'play',
    answer: streamsSchema,
    run({ caller }) {
      const inside = caller?.allows(readApi) ?? false
      const visible = registry
        .list()
        .filter(({ name }) => inside || caller?.allows({ action: 'subscribe', stream: name }))
      return { streams: visible.map(stream => streamView(stream, inside)) }
    },
  }),
  jsonRoute({
    id: 'getStream',
    method: 'GET',
    path: '/v1/streams/{name}',
    summary: 'One stream',
    access: 'play',
    answer: streamSchema,
    run(call) {
      const name = nameOf(call)
      const stream = registry.find(name)
      if (stream === undefined) throw new GatewayError('stream-offline', name)
      return streamView(stream, call.caller?.allows(readApi) ?? false)
    },
  }),
  emptyRoute({
    id: 'kickPublisher',
    method: 'POST',
    path: '/v1/streams/{name}/kick',
    summary: 'Ends the publisher and with it the stream; it may publish again',
    access: 'write',
    body: kickSchema,
    run(call) {
      const name = nameOf(call)
      if (!registry.kick(name, detailOf(call))) throw new GatewayError('stream-offline', name)
    },
  }),
  emptyRoute({
    id: 'kickSubscriber',
    method: 'DELETE',
    path: '/v1/streams/{name}/subscribers/{id}',
    summary: 'Ends one reader',
    access: 'write',
    body: kickSchema,
    run(call) {
      const name = nameOf(call)
      if (registry.find(name) === undefined) throw new GatewayError('stream-offline', name)
      if (!registry.kickSubscriber(name, call.params.id ?? '', detailOf(call)))
        throw new GatewayError('not-found', `${name} has no reader with this id`)
    },
  }),
]
