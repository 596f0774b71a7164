/** The control API. It can name streams, URLs of known schemes and files under the recordings directory: nothing else. */
import type { AccessPolicy } from '../access/policy.ts'
import type { Adapter, Listener } from '../adapters/adapter.ts'
import type { Bridges } from '../bridges/bridges.ts'
import type { Reach } from '../bridges/endpoint.ts'
import type { Registry } from '../core/types.ts'
import { packageVersion } from '../observe/version.ts'
import type { EventStreams } from './event-stream.ts'
import { mountRoutes } from './mount-routes.ts'
import { openApiRoute } from './openapi.ts'
import type { ApiRoute } from './route.ts'
import { bridgeRoutes } from './routes/bridges.ts'
import { eventRoutes, eventSocket } from './routes/events.ts'
import { streamRoutes } from './routes/streams.ts'
import { systemRoutes } from './routes/system.ts'
import type { HttpServer } from './server.ts'

export interface ApiParts extends EventStreams {
  readonly registry: Registry
  readonly bridges: Bridges
  readonly access: AccessPolicy
  readonly adapters: readonly Adapter<unknown>[]
  readonly doors: ReadonlyMap<string, Listener>
  /** What requests may touch. */
  readonly reach: Reach
}

/** Every operation there is; the OpenAPI document describes the same list. */
export const apiRoutes = (parts: ApiParts): readonly ApiRoute[] => {
  const routes: readonly ApiRoute[] = [
    ...systemRoutes(parts.adapters, parts.doors),
    openApiRoute(() => routes, packageVersion()),
    ...streamRoutes(parts.registry),
    ...bridgeRoutes(parts.bridges, parts.reach),
    ...eventRoutes(parts),
  ]
  return routes
}

export const mountApi = (http: HttpServer, parts: ApiParts): void => {
  mountRoutes(http.mount, apiRoutes(parts), parts.access)
  http.upgrade('/v1/events/ws', eventSocket(parts, parts.access))
}
