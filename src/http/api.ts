/** The control API. It can name streams, URLs of known schemes and files under the recordings directory: nothing else. */
import type { AccessPolicy } from '../access/policy.ts'
import type { Adapter, Listener } from '../adapters/adapter.ts'
import type { Bridges } from '../bridges/bridges.ts'
import type { Reach } from '../bridges/endpoint.ts'
import type { Calls } from '../calls/calls.ts'
import type { LiveConfig } from '../config/live-config.ts'
import type { Registry } from '../core/types.ts'
import { packageVersion } from '../observe/version.ts'
import type { Operations } from '../operations.ts'
import type { Recordings } from '../recordings/recordings.ts'
import type { EventStreams } from './event-stream.ts'
import { mountRoutes } from './mount-routes.ts'
import { openApiRoute } from './openapi.ts'
import type { ApiRoute } from './route.ts'
import { bridgeRoutes } from './routes/bridges.ts'
import { callRoutes } from './routes/calls.ts'
import { configRoutes } from './routes/config.ts'
import { eventRoutes, eventSocket } from './routes/events.ts'
import { jobRoutes } from './routes/jobs.ts'
import { metricsRoute } from './routes/metrics.ts'
import { recordingRoutes } from './routes/recordings.ts'
import { snapshotRoutes } from './routes/snapshot.ts'
import { sourceRoutes } from './routes/sources.ts'
import { streamRoutes } from './routes/streams.ts'
import { systemRoutes } from './routes/system.ts'
import type { HttpServer } from './server.ts'

export interface ApiParts extends EventStreams, Operations {
  readonly registry: Registry
  readonly bridges: Bridges
  readonly calls: Calls
  readonly access: AccessPolicy
  readonly adapters: readonly Adapter<unknown>[]
  readonly doors: ReadonlyMap<string, Listener>
  /** The text for Prometheus. */
  readonly metrics: () => string
  /** What requests may touch. */
  readonly reach: Reach
  readonly recordings: Recordings
  readonly live: LiveConfig
}

/** Every operation there is; the OpenAPI document describes the same list. */
export const apiRoutes = (parts: ApiParts): readonly ApiRoute[] => {
  const routes: readonly ApiRoute[] = [
    ...systemRoutes(parts.adapters, parts.doors),
    openApiRoute(() => routes, packageVersion()),
    ...streamRoutes(parts.registry),
    ...bridgeRoutes(parts.bridges, parts.reach),
    ...callRoutes(parts.calls, parts.reach),
    ...eventRoutes(parts),
    ...snapshotRoutes(parts.snapshots),
    ...sourceRoutes(parts.sources),
    ...recordingRoutes(parts.recordings),
    ...jobRoutes(parts.jobs),
    ...configRoutes(parts.live),
    metricsRoute(parts.metrics),
  ]
  return routes
}

export const mountApi = (http: HttpServer, parts: ApiParts): void => {
  mountRoutes(http.mount, apiRoutes(parts), parts.access)
  http.upgrade('/v1/events/ws', eventSocket(parts, parts.access))
}
