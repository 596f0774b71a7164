/** What runs beside the streams: recordings and what is made of them, sources, and changes of the configuration. */
import { isAbsolute } from 'node:path'
import { checkExposure } from './access/exposure.ts'
import type { AccessPolicy } from './access/policy.ts'
import { createTokenVerifier } from './access/token.ts'
import type { Logger } from './adapters/adapter.ts'
import type { Bridge } from './bridges/bridge.ts'
import type { Bridges } from './bridges/bridges.ts'
import { createConfiguredBridges } from './bridges/configured.ts'
import { type Dialer, parseEndpoint, type UrlEndpoint } from './bridges/endpoint.ts'
import { checkCertificates } from './config/certificates.ts'
import type { Config } from './config/config.ts'
import type { RunningConfig } from './config/live-config.ts'
import type { Clock, Registry, Scope } from './core/types.ts'
import { GatewayError } from './errors.ts'
import { createFileTool } from './jobs/file-tool.ts'
import { createJobs, type Jobs } from './jobs/jobs.ts'
import { AutoRecord } from './recordings/auto-record.ts'
import { everyRound, type Recordings } from './recordings/recordings.ts'
import { createSnapshots, type Snapshots } from './snapshot/snapshots.ts'
import { createSources, type Sources } from './sources/sources.ts'

/** Nothing is fetched, recorded or deleted before `start`. */
export interface Operations {
  readonly jobs: Jobs
  readonly snapshots: Snapshots
  readonly sources: Sources
  start(): void
}
export interface OperationsParts {
  readonly live: RunningConfig
  readonly registry: Registry
  readonly recordings: Recordings
  readonly bridges: Bridges
  readonly dialers: readonly Dialer[]
  readonly access: AccessPolicy
  readonly startBridge: (entry: Config['bridges'][number]) => Bridge
  readonly clock: Clock
  readonly scope: Scope
  readonly log: Logger
}

/** The configuration is trusted: its sources may be files anywhere. */
const dialSource = ({ live, dialers, recordings }: OperationsParts, url: string): UrlEndpoint => {
  const resolveFile = (name: string): string => (isAbsolute(name) ? name : recordings.resolve(name))
  const endpoint = parseEndpoint(url, 'pull', { dialers, restream: live.config.restream, resolveFile })
  if (endpoint.kind === 'url') return endpoint
  throw new GatewayError('bad-url', `${url} is a stream already`)
}

const openJobs = ({ live, recordings, clock, scope, log }: OperationsParts): Jobs =>
  createJobs({
    tool: createFileTool(() => live.config.transcode.ffmpeg),
    limits: () => live.config.recordings.jobs,
    resolveFile: name => recordings.resolve(name),
    admit: () => recordings.admit(),
    clock,
    scope,
    log: log.child({ part: 'jobs' }),
  })

const keepRecordings = (parts: OperationsParts): void => {
  const { live, registry, recordings, bridges, clock, scope, log } = parts
  const auto = new AutoRecord({
    config: live.config.recordings,
    resolveFile: name => recordings.resolve(name),
    log: log.child({ part: 'recordings' }),
    ...{ registry, bridges, clock },
  })
  const round = (): void => {
    auto.sync()
    void recordings.enforce()
  }
  scope.defer(registry.on('stream:ready', () => auto.sync()))
  live.on('recordings', round)
  everyRound(clock, scope, round)
}

const openSources = (parts: OperationsParts): Sources => {
  const { live, registry, clock, scope, log } = parts
  const sources = createSources({
    dial: url => dialSource(parts, url),
    retry: live.config.restream.retry,
    log: log.child({ part: 'source' }),
    ...{ registry, clock, scope },
  })
  live.on('sources', () => sources.apply(live.config.sources))
  return sources
}

/** What a start would refuse, a reload refuses too. */
const followAccess = ({ live, access, log }: OperationsParts): void => {
  live.checkBy(async next => {
    checkExposure(next.access, live.config.http.listen, log)
    if (next.access.jwt !== undefined) createTokenVerifier(next.access.jwt)
    await checkCertificates(next, live.config)
  })
  live.on('access', () => access.replace(live.config.access))
}

export const openOperations = (parts: OperationsParts): Operations => {
  const { live, registry, clock } = parts
  followAccess(parts)
  const bridges = createConfiguredBridges(parts.startBridge)
  live.on('bridges', () => bridges.apply(live.config.bridges))
  const sources = openSources(parts)
  const ffmpegPath = (): string => live.config.transcode.ffmpeg
  return {
    jobs: openJobs(parts),
    sources,
    snapshots: createSnapshots({ registry, clock, ffmpegPath }),
    start() {
      void bridges.apply(live.config.bridges)
      void sources.apply(live.config.sources)
      void parts.recordings.tidy()
      keepRecordings(parts)
    },
  }
}
