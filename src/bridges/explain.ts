/** What a bridge would do to each track, found out at both ends without moving any media. */
import { negotiate } from '../core/negotiate.ts'
import type { NegotiatePolicy, Plan, Registry, StreamInfo } from '../core/types.ts'
import { GatewayError, toGatewayError } from '../errors.ts'
import type { UrlEndpoint } from './endpoint.ts'
import { type BridgeParts, openSource, streamName } from './source.ts'

export interface Explanation {
  readonly from: string
  readonly to: readonly { readonly to: string; readonly plan: Plan | undefined }[]
}

const untilReady = (
  registry: Registry,
  name: string,
  waitMs: number,
  signal: AbortSignal,
): Promise<StreamInfo> =>
  new Promise((resolve, reject) => {
    const late = new GatewayError('stream-offline', `${name}: nothing was published within ${waitMs} ms`)
    const timer = setTimeout(() => finish(() => reject(late)), waitMs)
    const look = (): void => {
      const stream = registry.find(name)
      if (stream?.state === 'ready') finish(() => resolve(stream))
    }
    const closed = (): void =>
      finish(() => reject(new GatewayError('stream-offline', `${name} ended before its tracks were known`)))
    const stops = [
      registry.on('stream:ready', look),
      registry.on('stream:closed', stream => stream.name === name && closed()),
    ]
    const finish = (settle: () => void): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', closed)
      for (const stop of stops) stop()
      settle()
    }
    signal.addEventListener('abort', closed)
    if (signal.aborted) closed()
    else look()
  })

const planOf = async (
  endpoint: UrlEndpoint,
  { tracks }: StreamInfo,
  policy: NegotiatePolicy,
): Promise<Plan> => {
  const { adapter, context, config } = endpoint.dialer
  const egress = await adapter.push!(context, config, endpoint.url)
  try {
    return negotiate(tracks, egress.accepts(tracks), policy)
  } finally {
    await egress.close({ code: 'subscriber-left', detail: 'it was only asked what it takes' })
  }
}

/**
 * Connects both ends and closes them again.
 * @throws GatewayError of the end that could not be reached.
 */
export const explainBridge = async (parts: BridgeParts, policy: NegotiatePolicy): Promise<Explanation> => {
  const { from, to, registry, scope, waitMs } = parts
  try {
    const name = streamName(parts)
    if (from.kind === 'url') await openSource(parts, from, name)
    const stream = await untilReady(registry, name, waitMs, scope.signal)
    const plans = to.map(async endpoint => ({
      to: endpoint.label,
      plan: endpoint.kind === 'url' ? await planOf(endpoint, stream, policy) : undefined,
    }))
    return { from: from.label, to: await Promise.all(plans) }
  } catch (thrown) {
    throw toGatewayError(thrown)
  } finally {
    await scope.close({ code: 'subscriber-left', detail: 'explained' })
  }
}
