import type { Bridges } from '../../bridges/bridges.ts'
import type { Reach } from '../../bridges/endpoint.ts'
import { mediaPolicy } from '../../config/transcode.ts'
import { GatewayError } from '../../errors.ts'
import { type ApiRoute, emptyRoute, jsonRoute } from '../route.ts'
import { bridgeRequestSchema, bridgeSchema, bridgesSchema } from '../schemas/bridge.ts'
import { bridgeView, openedBridgeView } from '../views.ts'

const missing = (): GatewayError => new GatewayError('not-found', 'no bridge has this id')

export const bridgeRoutes = (bridges: Bridges, reach: Reach): readonly ApiRoute[] => [
  jsonRoute({
    id: 'listBridges',
    method: 'GET',
    path: '/v1/bridges',
    summary: 'Bridges that run, and the last that ended',
    access: 'read',
    answer: bridgesSchema,
    run: () => ({ bridges: bridges.list().map(bridgeView) }),
  }),
  jsonRoute({
    id: 'openBridge',
    method: 'POST',
    path: '/v1/bridges',
    summary: 'Carries a source to destinations; a recording is a bridge to a file',
    access: 'write',
    body: bridgeRequestSchema,
    answer: bridgeSchema,
    status: 201,
    location: ({ id }) => `/v1/bridges/${id}`,
    async run({ body: { from, to, transcode = {} } }) {
      const bridge = await bridges.open({ from, to, policy: mediaPolicy(transcode), ...reach })
      return openedBridgeView(bridge.info())
    },
  }),
  jsonRoute({
    id: 'getBridge',
    method: 'GET',
    path: '/v1/bridges/{id}',
    summary: 'One bridge with its legs',
    access: 'read',
    answer: bridgeSchema,
    run({ params }) {
      const bridge = bridges.find(params.id ?? '')
      if (bridge === undefined) throw missing()
      return bridgeView(bridge)
    },
  }),
  emptyRoute({
    id: 'closeBridge',
    method: 'DELETE',
    path: '/v1/bridges/{id}',
    summary: 'Stops a bridge, or forgets one that has ended',
    access: 'write',
    async run({ params }) {
      if (!(await bridges.close(params.id ?? ''))) throw missing()
    },
  }),
  emptyRoute({
    id: 'closeLeg',
    method: 'DELETE',
    path: '/v1/bridges/{id}/legs/{place}',
    summary: 'Stops one destination, by its place in legs, counted from 0; the others go on',
    access: 'write',
    async run({ params: { id = '', place = '' } }) {
      const found = /^\d{1,3}$/.test(place) && (await bridges.closeLeg(id, Number(place)))
      if (!found) throw new GatewayError('not-found', 'no bridge has this id and a destination at this place')
    },
  }),
]
