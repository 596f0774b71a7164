/** What a bridge would do to each track, found out at its source; no destination is called that would notice. */
import { negotiate } from '../core/negotiate.ts'
import type { Accept, Clock, NegotiatePolicy, Plan, Registry, StreamInfo, TrackInfo } from '../core/types.ts'
import { GatewayError, toGatewayError } from '../errors.ts'
import { KeyframeRarity } from '../restream/keyframe-rarity.ts'
import { type Check, preflight } from '../restream/preflight.ts'
import { profileAccepts } from '../restream/profiled-egress.ts'
import { pushUrl, type UrlEndpoint } from './endpoint.ts'
import type { BridgeParts } from './parts.ts'
import { connectSource, streamName } from './source.ts'
import { untilReady } from './until-ready.ts'

export interface Explanation {
  readonly from: string
  readonly to: readonly {
    readonly to: string
    readonly plan: Plan | undefined
    readonly preflight: readonly Check[]
  }[]
}

/** Two key frames are awaited for so long, where a destination cares how far apart they are. */
const measureUs = 6_000_000
const lookUs = 200_000

const isMeasured = (stream: StreamInfo | undefined): boolean =>
  stream === undefined ||
  stream.tracks.every(({ kind, stats }) => kind !== 'video' || stats?.keyframeIntervalMs !== undefined)

const measured = async (registry: Registry, clock: Clock, stream: StreamInfo): Promise<StreamInfo> => {
  const end = clock.now() + measureUs
  const look = (): StreamInfo | undefined => registry.find(stream.name)
  while (clock.now() < end && !isMeasured(look()))
    await new Promise<void>(resolve => void clock.after(lookUs, resolve))
  return look() ?? stream
}

const acceptsOf = async (endpoint: UrlEndpoint, tracks: readonly TrackInfo[]): Promise<readonly Accept[]> => {
  const { adapter, context, config } = endpoint.dialer
  const url = pushUrl(endpoint, 0)
  const told = adapter.wouldTake?.(config, url, tracks)
  if (told !== undefined) return told
  if (adapter.once)
    throw new GatewayError('not-implemented', `${endpoint.label} says what it takes when it has answered`)
  const egress = await adapter.push!(context, config, url)
  const accepts = egress.accepts(tracks)
  await egress.close({ code: 'subscriber-left', detail: 'it was only asked what it takes' })
  return accepts
}

const planOf = async (
  endpoint: UrlEndpoint,
  { tracks }: StreamInfo,
  policy: NegotiatePolicy,
  canTranscode: boolean,
): Promise<Plan> => {
  const { profile } = endpoint
  const accepts = await acceptsOf(endpoint, tracks)
  if (profile === undefined) return negotiate(tracks, accepts, policy)
  const encode = canTranscode ? new KeyframeRarity(profile.keyframeMs).encode(tracks) : undefined
  return negotiate(tracks, profileAccepts(accepts, profile, canTranscode, encode), policy)
}

const nothing = { keyframeMs: undefined, videoKbps: undefined, audioKbps: undefined, fps: undefined }

/**
 * Connects the source and lets it go again.
 * @throws GatewayError when it cannot be reached, or what a destination takes is not known before it is called.
 */
export const explainBridge = async (parts: BridgeParts): Promise<Explanation> => {
  const { from, to, registry, clock, scope, waitMs, canTranscode } = parts
  try {
    const name = streamName(parts)
    if (from.kind === 'url') await connectSource(parts, from, name, scope)
    const ready = await untilReady(registry, clock, name, waitMs, scope.signal)
    const cares = to.some(endpoint => endpoint.kind === 'url' && endpoint.profile !== undefined)
    const stream = cares ? await measured(registry, clock, ready) : ready
    const rows = to.map(async endpoint => {
      if (endpoint.kind === 'stream') return { to: endpoint.label, plan: undefined, preflight: [] }
      const { label, profile } = endpoint
      const plan = await planOf(endpoint, stream, registry.policy(name, parts.policy), canTranscode)
      const input = { tracks: stream.tracks, plan, measured: nothing }
      return { to: label, plan, preflight: profile === undefined ? [] : preflight({ ...input, profile }) }
    })
    return { from: from.label, to: await Promise.all(rows) }
  } catch (thrown) {
    throw toGatewayError(thrown)
  } finally {
    await scope.close({ code: 'subscriber-left', detail: 'explained' })
  }
}
