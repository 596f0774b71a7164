/** The bridges of one gateway: opened by the API and the command line alike. */
import { randomBytes } from 'node:crypto'
import type { Logger } from '../adapters/adapter.ts'
import type { NegotiatePolicy, Registry, Scope } from '../core/types.ts'
import { GatewayError } from '../errors.ts'
import { type Bridge, type BridgeInfo, openBridge } from './bridge.ts'
import { type Dialer, parseEndpoint, type ResolveFile } from './endpoint.ts'
import { type Explanation, explainBridge } from './explain.ts'
import type { BridgeParts } from './source.ts'

export interface BridgeRequest {
  readonly from: string
  readonly to: readonly string[]
  /** How long the source may take until its tracks are known, milliseconds. */
  readonly waitMs?: number
  /** Which file a name stands for. */
  readonly resolveFile: ResolveFile
}

export interface Bridges {
  /** @throws GatewayError that says which end is wrong or could not be reached. */
  open(request: BridgeRequest): Promise<Bridge>
  /** What `open` would do, without moving media. @throws GatewayError as `open` */
  explain(request: BridgeRequest): Promise<Explanation>
  find(id: string): BridgeInfo | undefined
  list(): readonly BridgeInfo[]
  /** false: there is no such bridge. */
  close(id: string): Promise<boolean>
}

export interface BridgesParts {
  readonly registry: Registry
  readonly policy: NegotiatePolicy
  readonly dialers: readonly Dialer[]
  readonly scope: Scope
  readonly log: Logger
}

const sourceWaitMs = 10_000
/** Ended bridges are kept this many, so that their end can be read. */
const remembered = 100
const maxDestinations = 64

export const createBridges = ({ registry, policy, dialers, scope, log }: BridgesParts): Bridges => {
  const running = new Map<string, Bridge>()
  const past = new Map<string, BridgeInfo>()

  const remember = (bridge: Bridge): void => {
    running.delete(bridge.id)
    past.set(bridge.id, bridge.info())
    const oldest = past.keys().next()
    if (past.size > remembered && !oldest.done) past.delete(oldest.value)
  }

  const partsOf = ({ from, to, waitMs = sourceWaitMs, resolveFile }: BridgeRequest): BridgeParts => {
    if (to.length === 0) throw new GatewayError('bad-request', 'a bridge needs at least one destination')
    if (to.length > maxDestinations)
      throw new GatewayError(
        'limit-exceeded',
        `${to.length} destinations, at most ${maxDestinations} fit one bridge`,
      )
    const id = randomBytes(4).toString('hex')
    const ends = {
      from: parseEndpoint(from, 'pull', dialers, resolveFile),
      to: to.map(text => parseEndpoint(text, 'push', dialers, resolveFile)),
    }
    return { id, ...ends, waitMs, registry, scope: scope.child(`bridge ${id}`), log }
  }

  return {
    async open(request) {
      const bridge = await openBridge(partsOf(request))
      running.set(bridge.id, bridge)
      void bridge.closed.then(() => remember(bridge))
      return bridge
    },
    explain: async request => explainBridge(partsOf(request), policy),
    find: id => running.get(id)?.info() ?? past.get(id),
    list: () => [...[...running.values()].map(bridge => bridge.info()), ...past.values()],
    async close(id) {
      const bridge = running.get(id)
      if (bridge === undefined) return past.delete(id)
      await bridge.close({ code: 'unpublished', detail: 'closed on request' })
      return true
    },
  }
}
