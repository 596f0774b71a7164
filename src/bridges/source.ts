/** The near end of a bridge: the stream it reads, and where that comes from. */
import type { PeerDescription, PulledSource } from '../adapters/adapter.ts'
import { reasonOf } from '../core/scope.ts'
import type { Closable, LinkStats, Publication, Scope } from '../core/types.ts'
import { GatewayError, toGatewayError } from '../errors.ts'
import type { UrlEndpoint } from './endpoint.ts'
import { isFinal, type LinkStatus } from './link-state.ts'
import type { BridgeParts } from './parts.ts'
import { isCalm, lossOf, type Outcome, Retrying } from './retrying.ts'
import { tell } from './tell.ts'

/** The source gets the name that a `stream:` destination gives, else one of the bridge's own. */
export const streamName = ({ id, from, to }: Pick<BridgeParts, 'id' | 'from' | 'to'>): string => {
  const names = to.flatMap(endpoint => (endpoint.kind === 'stream' ? [endpoint.name] : []))
  if (from.kind === 'stream' && names.length === 0) return from.name
  if (from.kind === 'stream')
    throw new GatewayError('not-implemented', `${from.label} cannot become stream:${names[0]} as well`)
  if (names.length > 1)
    throw new GatewayError(
      'not-implemented',
      `a source gets one name, not ${names.length}: ${names.join(', ')}`,
    )
  return names[0] ?? `bridge/${id}`
}

export interface SourceOptions {
  /** It is connected again when it is lost, so its readers may wait. */
  readonly returns?: boolean
  /** Told what its other end must know, where no signalling tells it. */
  readonly tellPeer?: (peer: PeerDescription) => void
}

/** Resolves once the source is connected, with what it publishes. `scope` owns both. */
export const connectSource = async (
  { id, registry }: Pick<BridgeParts, 'id' | 'registry'>,
  from: UrlEndpoint,
  stream: string,
  scope: Scope,
  { returns = false, tellPeer = () => undefined }: SourceOptions = {},
): Promise<Publication> => {
  const label = `bridge ${id} from ${from.label}`
  let source: PulledSource | undefined
  const link = (): LinkStats | undefined => source?.link?.()
  const options = { label, signal: scope.signal, onConflict: 'reject', returns, link } as const
  const publication = registry.publish(stream, options)
  try {
    const { adapter, context, config } = from.dialer
    source = await adapter.pull!({ ...context, tellPeer }, config, from.url, publication)
    const pulled = source
    scope.defer(() => pulled.close())
    void source.closed.then(reason => publication.close(reason))
  } catch (thrown) {
    const error = toGatewayError(thrown)
    await publication.close({ code: 'failed', detail: error.message, error })
    throw error
  }
  return publication
}

export interface Source extends Closable {
  readonly status: () => LinkStatus
  readonly peer: () => PeerDescription | undefined
  /** Resolves once it was connected for the first time; rejects when the first try failed, or all have. */
  readonly first: Promise<void>
}

/** Pulls at once, and again whenever the source is lost, as far as the bridge may. */
export const openSource = (parts: BridgeParts, from: UrlEndpoint, stream: string): Source => {
  const { clock, scope, restream, retry, patient } = parts
  const mayRetry = retry && !from.once
  const first = Promise.withResolvers<void>()
  first.promise.catch(() => undefined) // whoever waits for it is told; nobody may
  const own = scope.child(`source ${from.label}`)
  let known: PeerDescription | undefined
  const tellPeer = (peer: PeerDescription): void => {
    known = peer
    parts.onPeer(from.label, peer)
  }
  const onChange = (status: LinkStatus): void => {
    if (status.state === 'live') first.resolve()
    if (isFinal(status) || (status.state === 'backoff' && !patient))
      first.reject(status.lastError ?? new GatewayError('closed', 'it ended before it was connected'))
    // Without retries its failure is the bridge's, which is told by whoever asked for it.
    if (retry || !isFinal(status)) parts.onChange(tell(parts.log, from.label, status, link.reason))
  }
  const connect = async (attempt: Scope, _tries: number, live: () => void): Promise<Outcome> => {
    const publication = await connectSource(parts, from, stream, attempt, { returns: mayRetry, tellPeer })
    live()
    const reason = await publication.closed
    if (attempt.signal.aborted) return { kind: 'ended', reason: reasonOf(attempt.signal) }
    if (isCalm(reason) && !mayRetry) return { kind: 'source-gone', reason }
    return { kind: 'lost', error: lossOf(reason) }
  }
  const link = new Retrying({
    scope: own,
    clock,
    policy: restream.retry,
    random: Math.random,
    mayRetry: () => mayRetry,
    mayWait: () => false,
    connect,
    onChange,
  })
  link.start()
  return { ...link.lifetime, status: () => link.status, peer: () => known, first: first.promise }
}
