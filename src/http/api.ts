/** The control API. It can name streams, URLs of known schemes and files under the recordings directory: nothing else. */
import type { AccessPolicy } from '../access/policy.ts'
import type { Adapter, HttpMount, Listener } from '../adapters/adapter.ts'
import type { Bridges } from '../bridges/bridges.ts'
import type { Reach } from '../bridges/endpoint.ts'
import type { Registry } from '../core/types.ts'
import { packageVersion } from '../observe/version.ts'
import { mountRoutes } from './mount-routes.ts'
import { openApiRoute } from './openapi.ts'
import type { ApiRoute } from './route.ts'
import { bridgeRoutes } from './routes/bridges.ts'
import { streamRoutes } from './routes/streams.ts'
import { systemRoutes } from './routes/system.ts'

export interface ApiParts {
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
  ]
  return routes
}

export const mountApi = (http: HttpMount, parts: ApiParts): void =>
  mountRoutes(http, apiRoutes(parts), parts.access)
