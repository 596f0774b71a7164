/** The one composition root: everything is made here and handed to whoever needs it. */
import { checkExposure } from './access/exposure.ts'
import { createResolveHost } from './access/outbound.ts'
import { createAccessPolicy } from './access/policy.ts'
import type { Adapter, AdapterContext, Listener, Logger } from './adapters/adapter.ts'
import { adapters as allAdapters } from './adapters/index.ts'
import { readSecret } from './adapters/secret.ts'
import type { Bridge } from './bridges/bridge.ts'
import { type Bridges, createBridges } from './bridges/bridges.ts'
import type { Dialer, Reach } from './bridges/endpoint.ts'
import { type Calls, createCalls } from './calls/calls.ts'
import { type Config, type ConfigInput, parseConfig } from './config/config.ts'
import type { ConfigLayers } from './config/explain.ts'
import { type LiveConfig, RunningConfig } from './config/live-config.ts'
import { continuityOf, slateOf } from './config/streams.ts'
import { ffmpegSettings, mediaPolicy, mediaPolicyOf } from './config/transcode.ts'
import { systemClock } from './core/clock.ts'
import { createRegistry } from './core/registry.ts'
import { closable, createScope, reasonOf } from './core/scope.ts'
import type { Clock, Closable, Registry, Scope } from './core/types.ts'
import { GatewayError, toGatewayError } from './errors.ts'
import { appendBridgeEvent } from './events/bridge-events.ts'
import { followCalls } from './events/call-events.ts'
import { EventLog } from './events/log.ts'
import { createRefusalTeller, type TellRefusal } from './events/refusals.ts'
import { followRegistry } from './events/registry-events.ts'
import { createAccessHook } from './hooks/access-hook.ts'
import { composeAuthorize } from './hooks/authorize.ts'
import { post } from './hooks/post.ts'
import { openWebhooks, type Webhooks } from './hooks/webhooks.ts'
import { mountApi } from './http/api.ts'
import { mountPage } from './http/page.ts'
import { createHttpServer, type HttpServer } from './http/server.ts'
import { createLogger } from './observe/logger.ts'
import { createMetrics } from './observe/metrics/metrics.ts'
import { packageVersion } from './observe/version.ts'
import { type Operations, openOperations } from './operations.ts'
import { createRecordings } from './recordings/recordings.ts'
import { showSlates } from './slate/slates.ts'
import { createTranscoding } from './transcode/transcoding.ts'
import { readAssets } from './web/assets.ts'

export interface GatewayOptions {
  /** false: no door is opened; streams come and go by bridges only. Default true. */
  readonly listen?: boolean
  /** Default: lines on stderr as the `log` section says. */
  readonly log?: Logger
  readonly adapters?: readonly Adapter<unknown>[]
  /** What time it is, for all but logs, signatures and certificates. Default: the system's. */
  readonly clock?: Clock
  /** Where the configuration came from, and how it is read anew. Without it there is no reload. */
  readonly origin?: {
    readonly layers: ConfigLayers
    /** @throws GatewayError 'bad-config' */
    read(): Promise<ConfigLayers>
  }
}

/** A running gateway. Closing it ends every session with the reason given, and waits for them. */
export interface Gateway extends Closable {
  readonly config: Config
  /** Reads the configuration anew, and says what that would change. */
  readonly live: LiveConfig
  readonly registry: Registry
  readonly bridges: Bridges
  /** Calls of phones, PBXes and trunks. */
  readonly calls: Calls
  readonly events: EventLog
  /** Where it really listens: 'http' and the doors of the adapters, by name. */
  readonly doors: ReadonlyMap<string, Listener>
  readonly log: Logger
}

type Parts = Pick<Gateway, 'config' | 'log'> & {
  readonly clock: Clock
  readonly live: RunningConfig
  readonly adapters: readonly Adapter<unknown>[]
  readonly scope: Scope
}

/** Which flag and which section change the address of a door that could not be opened. */
const doorError = (thrown: unknown, name: string): GatewayError => {
  const error = toGatewayError(thrown)
  if (error.code !== 'port-in-use') return error
  const detail = error.message.replace(/^[^:]*: /, '')
  return new GatewayError('port-in-use', `${detail}; choose another by --${name} HOST:PORT`, { cause: error })
}

/** Further doors of one name are `sip-2`, `sip-3`. */
const addDoor = (doors: Map<string, Listener>, name: string, door: Listener): void => {
  let free = name
  for (let count = 2; doors.has(free); count++) free = `${name}-${count}`
  doors.set(free, door)
}

const openDoors = async (
  dialers: readonly Dialer[],
  http: HttpServer,
  doors: Map<string, Listener>,
): Promise<void> => {
  for (const { adapter, context, config } of dialers) {
    const door = await adapter.listen?.(context, config).catch((thrown: unknown) => {
      throw doorError(thrown, adapter.name)
    })
    if (door === undefined) continue
    doors.set(adapter.name, door)
    for (const other of door.further ?? []) addDoor(doors, other.scheme ?? adapter.name, other)
  }
  const door = await http.listen().catch((thrown: unknown) => {
    throw doorError(thrown, 'http')
  })
  doors.set('http', door)
}

interface Told {
  readonly events: EventLog
  readonly tell: TellRefusal
  readonly webhooks: Webhooks
}

/** Made before the registry's end is deferred, so that the last events are still told. */
const openEvents = ({ config, live, clock, log, scope }: Parts, registry: Registry): Told => {
  const onError = (err: unknown): void => log.error({ err }, 'a listener of events failed')
  const events = new EventLog({ clock, onError })
  const tell = createRefusalTeller(events, clock)
  const part = { clock, log: log.child({ part: 'webhooks' }), scope }
  const webhooks = openWebhooks(config.webhooks, events, part)
  live.on('webhooks', () => webhooks.apply(config.webhooks))
  scope.defer(followRegistry(registry, events, tell))
  return { events, tell, webhooks }
}

const openSlates = ({ config, log, scope }: Parts, registry: Registry, dialers: readonly Dialer[]): void => {
  const player = dialers.find(({ adapter }) => adapter.schemes.includes('file'))
  if (player === undefined) return
  const ofStream = (name: string): string | undefined => slateOf(config.streams, name)
  scope.defer(showSlates({ registry, player, slateOf: ofStream, log: log.child({ part: 'slate' }) }))
}

const compose = async (parts: Parts, listen: boolean): Promise<Gateway> => {
  const { config, live, clock, log, adapters, scope } = parts
  let operations: Operations | undefined
  const access = createAccessPolicy(config.access, { log: log.child({ part: 'access' }), clock, scope })
  const transcoding = await createTranscoding({
    ...ffmpegSettings(config.transcode),
    ...{ clock, log: log.child({ part: 'transcode' }) },
  })
  live.on('transcode', () => transcoding.apply(ffmpegSettings(config.transcode)))
  const registry = createRegistry({
    clock,
    transcoders: transcoding.transcoders,
    policy: {
      get unavailable() {
        return transcoding.unavailable
      },
    },
    policyOf: name => mediaPolicyOf(config.transcode, name),
    continuity: name => continuityOf(config.streams, name),
    demand: name => operations?.sources.demand(name),
    log: log.child({ part: 'core' }),
  })
  const { events, tell, webhooks } = openEvents(parts, registry)
  // Streams end at once and for the gateway's own reason; closing waits for them.
  scope.signal.addEventListener('abort', () => void registry.close(reasonOf(scope.signal)))
  scope.defer(() => registry.close())
  const http = createHttpServer(config.http, scope, log.child({ part: 'http' }))
  const hook = createAccessHook(() => config.access.hook, post, log.child({ part: 'access' }))
  const authorize = composeAuthorize(access.authorize, hook, tell)
  const recordings = createRecordings({
    config: config.recordings,
    clock,
    log: log.child({ part: 'recordings' }),
  })
  const dialerOf = (adapter: Adapter<unknown>): Dialer => {
    const context: AdapterContext = {
      registry,
      scope: scope.child(adapter.name),
      clock,
      log: log.child({ part: adapter.name }),
      http: http.mount,
      ...(listen && { admitFile: () => recordings.admit() }),
      ffmpegPath: () => config.transcode.ffmpeg,
      authorize,
      admitCall: hook,
      resolveForPeers: async host => {
        const { allowPrivate = [] } = config.outbound
        return createResolveHost({ allowPrivate }, config.access)?.(host)
      },
    }
    return { adapter, context, config: config.adapters.get(adapter.name) }
  }
  const dialers = adapters.map(dialerOf)
  openSlates(parts, registry, dialers)
  const bridges = createBridges({
    ...{ registry, dialers, scope, clock },
    restream: config.restream,
    log: log.child({ part: 'bridge' }),
    onEvent: event => appendBridgeEvent(events, event),
  })
  const calls = createCalls(dialers)
  const totals = followCalls(calls, events, tell)
  const callMeasures = { calls, totals, shown: () => config.metrics.calls }
  const doors = new Map<string, Listener>()
  if (listen) {
    checkExposure(config.access, config.http.listen, log)
    const resolveFile = (name: string): string => recordings.resolve(name)
    const reach: Reach = {
      resolveFile,
      get resolveHost() {
        return createResolveHost(config.outbound, config.access)
      },
    }
    const startBridge = ({ from, to, transcode = {} }: Config['bridges'][number]): Bridge =>
      bridges.start({ from, to, policy: mediaPolicy(transcode), resolveFile, resolveSecret: readSecret })
    operations = openOperations({
      ...{ live, registry, recordings, bridges, dialers, access, startBridge, clock, scope, log },
    })
    const metrics = createMetrics({
      ...{ registry, bridges, callMeasures, events, webhooks, clock, scope },
      ...{ refusals: access.refusals, transcodes: transcoding, version: packageVersion() },
      streams: () => config.metrics.streams,
    })
    const shown = { registry, bridges, calls, access, adapters, doors, reach, events, metrics, clock, log }
    mountApi(http, { ...shown, ...operations, recordings, live })
    mountPage(http.mount, await readAssets())
    await openDoors(dialers, http, doors)
    operations.start()
  }
  return { ...closable(scope), config, live, registry, bridges, calls, events, doors, log }
}

/**
 * Starts a gateway.
 * @throws GatewayError `bad-config`, or `port-in-use` when a door cannot be opened; nothing is left running then.
 */
export const createGateway = async (
  input: ConfigInput = {},
  options: GatewayOptions = {},
): Promise<Gateway> => {
  const adapters = options.adapters ?? allAdapters
  const config = parseConfig(input, adapters)
  const log = options.log ?? createLogger(config.log)
  const onError = (err: unknown, name: string): void => log.error({ err }, `closing ${name} failed`)
  const scope = createScope('gateway', { onError })
  const { layers = { file: input, flags: {} }, read } = options.origin ?? {}
  const { clock = systemClock } = options
  const live = new RunningConfig({ config, layers, adapters, read, clock, log })
  try {
    return await compose({ config, live, clock, log, adapters, scope }, options.listen ?? true)
  } catch (thrown) {
    const error = toGatewayError(thrown)
    await scope.close({ code: 'failed', detail: error.message, error })
    throw error
  }
}
