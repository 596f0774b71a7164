/** The bridges of one gateway: opened by the configuration, the API and the command line alike. */
import { randomBytes } from 'node:crypto'
import type { Logger } from '../adapters/adapter.ts'
import type { Clock, CloseReason, MediaPolicy, Registry, Scope } from '../core/types.ts'
import { GatewayError, toGatewayError } from '../errors.ts'
import { maskUrls } from '../observe/mask-urls.ts'
import type { RestreamConfig } from '../restream/config.ts'
import { type Bridge, type BridgeInfo, openBridge } from './bridge.ts'
import type { BridgeEvent } from './bridge-event.ts'
import { type Dialer, parseEndpoint, type Reach } from './endpoint.ts'
import { type Explanation, explainBridge } from './explain.ts'
import type { TellPeer } from './leg-info.ts'
import type { BridgeParts } from './parts.ts'
import { streamName } from './source.ts'

export interface BridgeRequest extends Reach {
  /** A URL, a file, `stream:NAME`, or what a session description describes. */
  readonly from: string | { readonly sdp: string }
  readonly to: readonly string[]
  /** How long the source may take until its tracks are known, milliseconds. */
  readonly waitMs?: number
  /** Destinations and sources that are lost are connected again, a stream that has ended is waited for. Default true. */
  readonly retry?: boolean
  /** What may be done to media on the way, where it is otherwise than the stream's. */
  readonly policy?: MediaPolicy
  /** Told what the program at an end must know, where no signalling tells it, as soon as that is certain. */
  readonly onPeer?: TellPeer
}

export interface Bridges {
  /**
   * Resolves once it is known how the first connections went.
   * @throws GatewayError that says which end is wrong, cannot be read, or that every destination has failed
   */
  open(request: BridgeRequest): Promise<Bridge>
  /**
   * Starts it and comes back at once; a source that is not there yet is tried again.
   * @throws GatewayError 'bad-url' or 'bad-name' for ends that cannot be
   */
  start(request: BridgeRequest): Bridge
  /** What `open` would do, without moving media. @throws GatewayError as `open` */
  explain(request: BridgeRequest): Promise<Explanation>
  find(id: string): BridgeInfo | undefined
  list(): readonly BridgeInfo[]
  /** false: there is no such bridge. */
  close(id: string): Promise<boolean>
  /**
   * Ends one destination of a bridge; its others go on. false: there is no such destination.
   * @throws GatewayError as `Bridge.closeLeg`
   */
  closeLeg(id: string, place: number): Promise<boolean>
}

export interface BridgesParts {
  readonly registry: Registry
  readonly clock: Clock
  readonly restream: RestreamConfig
  readonly dialers: readonly Dialer[]
  readonly scope: Scope
  readonly log: Logger
  readonly onEvent?: (event: BridgeEvent) => void
}

const onRequest: CloseReason = { code: 'unpublished', detail: 'closed on request' }
const sourceWaitMs = 10_000
/** Ended bridges are kept this many, so that their end can be read. */
const remembered = 100
const maxDestinations = 64

const checkCount = (to: readonly string[]): void => {
  if (to.length === 0) throw new GatewayError('bad-request', 'a bridge needs at least one destination')
  if (to.length <= maxDestinations) return
  const detail = `${to.length} destinations, at most ${maxDestinations} fit one bridge`
  throw new GatewayError('limit-exceeded', detail)
}

/** How a session description is a URL (RFC 2397). */
const sdpUrl = (sdp: string): string => `data:application/sdp,${encodeURIComponent(sdp)}`

export const createBridges = (parts: BridgesParts): Bridges => {
  const { registry, clock, restream, dialers, scope, log, onEvent = () => undefined } = parts
  const running = new Map<string, Bridge>()
  const past = new Map<string, BridgeInfo>()

  const remember = (bridge: Bridge): void => {
    running.delete(bridge.id)
    past.set(bridge.id, bridge.info())
    const oldest = past.keys().next()
    if (past.size > remembered && !oldest.done) past.delete(oldest.value)
  }

  const partsOf = (request: BridgeRequest, patient: boolean): BridgeParts => {
    const { from, to, waitMs = sourceWaitMs, retry = true, policy = {} } = request
    const { onPeer = () => undefined } = request
    checkCount(to)
    const id = randomBytes(4).toString('hex')
    const known = { ...request, dialers, restream }
    const ends = {
      id,
      from: parseEndpoint(typeof from === 'string' ? from : sdpUrl(from.sdp), 'pull', known),
      to: to.map(text => parseEndpoint(text, 'push', known)),
    }
    const stream = streamName(ends)
    const { unavailable, transcode } = registry.policy(stream, policy)
    return {
      ...ends,
      ...{ waitMs, retry, patient, policy, registry, clock, restream },
      canTranscode: unavailable === undefined && transcode !== 'off',
      scope: scope.child(`bridge ${id}`),
      log: log.child({ bridge: id }),
      onChange: change => onEvent({ type: 'changed', bridge: id, stream, change }),
      onPeer,
    }
  }

  const run = (request: BridgeRequest, patient: boolean) => {
    const made = partsOf(request, patient)
    const about = { bridge: made.id, stream: streamName(made) }
    const labels = { from: made.from.label, to: made.to.map(({ label }) => label) }
    onEvent({ type: 'opened', ...about, ...labels })
    const opening = openBridge(made)
    const { bridge } = opening
    running.set(bridge.id, bridge)
    void bridge.closed.then(reason => {
      remember(bridge)
      onEvent({ type: 'closed', ...about, ...labels, reason })
    })
    return opening
  }

  return {
    async open(request) {
      const { bridge, connected } = run(request, false)
      try {
        await connected
        return bridge
      } catch (thrown) {
        past.delete(bridge.id)
        throw thrown
      }
    },
    start(request) {
      const { bridge, connected } = run(request, true)
      connected.catch((thrown: unknown) =>
        log.error({ bridge: bridge.id }, maskUrls(toGatewayError(thrown).message)),
      )
      return bridge
    },
    explain: async request => explainBridge(partsOf(request, false)),
    find: id => running.get(id)?.info() ?? past.get(id),
    list: () => [...[...running.values()].map(bridge => bridge.info()), ...past.values()],
    async close(id) {
      const bridge = running.get(id)
      if (bridge === undefined) return past.delete(id)
      await bridge.close(onRequest)
      return true
    },
    closeLeg: async (id, place) =>
      // Those of a bridge that is over are over.
      running.get(id)?.closeLeg(place, onRequest) ?? past.get(id)?.legs[place] !== undefined,
  }
}
