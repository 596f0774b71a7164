/** The near end of a bridge: the stream it reads, and where that comes from. */
import type { Logger } from '../adapters/adapter.ts'
import type { Publication, Registry, Scope } from '../core/types.ts'
import { GatewayError, toGatewayError } from '../errors.ts'
import type { Endpoint, UrlEndpoint } from './endpoint.ts'

export interface BridgeParts {
  readonly id: string
  readonly from: Endpoint
  readonly to: readonly Endpoint[]
  /** How long the source's tracks may take to be known, milliseconds. */
  readonly waitMs: number
  readonly registry: Registry
  readonly scope: Scope
  readonly log: Logger
}

/** The source gets the name that a `stream:` destination gives, else one of the bridge's own. */
export const streamName = ({ id, from, to }: BridgeParts): string => {
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

/** Resolves once the source is connected, with what it publishes. */
export const openSource = async (
  parts: BridgeParts,
  from: UrlEndpoint,
  stream: string,
): Promise<Publication> => {
  const { id, registry, scope } = parts
  const label = `bridge ${id} from ${from.label}`
  const publication = registry.publish(stream, { label, signal: scope.signal, onConflict: 'reject' })
  try {
    const { adapter, context, config } = from.dialer
    const source = await adapter.pull!(context, config, from.url, publication)
    scope.defer(() => source.close())
    void source.closed.then(reason => publication.close(reason))
  } catch (thrown) {
    const error = toGatewayError(thrown)
    await publication.close({ code: 'failed', detail: error.message, error })
    throw error
  }
  return publication
}
