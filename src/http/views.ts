/** What the API shows of streams, tracks and plans: numbers and words, never bytes or keys. */
import type { Adapter, Capability, Listener } from '../adapters/adapter.ts'
import type { BridgeInfo, SourceInfo } from '../bridges/bridge.ts'
import type { Explanation } from '../bridges/explain.ts'
import type { LegInfo } from '../bridges/leg-info.ts'
import type { Plan, StreamInfo, SubscriberInfo, TrackInfo } from '../core/types.ts'
import type { CodecParameters } from '../media/types.ts'
import { maskUrls } from '../observe/mask-urls.ts'

const pictureOf = (params: CodecParameters): object => {
  const size = 'size' in params ? params.size : undefined
  const profile = 'profileLevelId' in params ? params.profileLevelId : undefined
  return {
    ...(size === undefined ? {} : { width: size.width, height: size.height }),
    ...(profile === undefined ? {} : { profile }),
  }
}

const soundOf = (params: CodecParameters): object =>
  'channels' in params ? { channels: params.channels, sampleRate: params.clockRate } : {}

const trackView = (track: TrackInfo): object => ({
  id: track.id,
  kind: track.kind,
  codec: track.params.codec,
  form: track.native,
  ...pictureOf(track.params),
  ...soundOf(track.params),
  keyframeOnRequest: track.keyframeOnRequest,
  derivedFrom: track.derivedFrom,
  stats: track.stats,
})

/** A plan as data: per track what is done on the way, and what is left out and why. */
const planView = (plan: Plan): object => {
  if (!plan.ok) return plan
  const tracks = plan.tracks.map(({ source, label, accept, steps, cost }) => {
    return { source, label, codec: accept.codec, form: accept.form, steps, cost }
  })
  return { ok: true, tracks, skipped: plan.skipped }
}

const subscriberView = ({ label, plan, stats }: SubscriberInfo): object => ({
  label: maskUrls(label),
  plan: planView(plan),
  stats,
})

/** `inside: false`: for viewers, who need not know each other's addresses. */
export const streamView = (stream: StreamInfo, inside: boolean): object => ({
  name: stream.name,
  state: stream.state,
  since: stream.readySince === undefined ? undefined : new Date(stream.readySince / 1000).toISOString(),
  tracks: stream.tracks.map(trackView),
  viewers: stream.subscribers.length,
  ...(inside
    ? {
        publisher: stream.publisher === undefined ? undefined : maskUrls(stream.publisher),
        subscribers: stream.subscribers.map(subscriberView),
      }
    : {}),
})

const isoTime = (wallUs: number): string => new Date(wallUs / 1000).toISOString()

/** What is undefined in here is null there: each key is always present. */
const legView = (leg: LegInfo): object => ({
  to: leg.to,
  state: leg.state,
  lastError: leg.error === undefined ? null : maskUrls(leg.error.message),
  code: leg.error?.code ?? null,
  retries: leg.retries,
  nextRetryAt: leg.nextRetryAt === undefined ? null : isoTime(leg.nextRetryAt),
  plan: leg.plan === undefined ? null : planView(leg.plan),
  bytes: leg.bytes,
  stats: leg.stats ?? null,
  preflight: leg.preflight,
})

const sourceView = ({ state, error, retries }: SourceInfo): object => ({
  state,
  lastError: error === undefined ? null : maskUrls(error.message),
  retries,
})

export const bridgeView = ({ legs, source, ...bridge }: BridgeInfo): object => ({
  ...bridge,
  source: source && sourceView(source),
  legs: legs.map(legView),
})

export const explanationView = ({ from, to }: Explanation): object => ({
  from,
  legs: to.map(leg => ({ to: leg.to, plan: leg.plan && planView(leg.plan), preflight: leg.preflight })),
})

const capabilityView = ({ codec, form, note }: Capability): object => ({ codec, form, note })

export const adapterView = (adapter: Adapter<unknown>, door: Listener | undefined): object => ({
  name: adapter.name,
  schemes: adapter.schemes,
  roles: (['listen', 'pull', 'push'] as const).filter(role => adapter[role] !== undefined),
  ingests: adapter.ingests.map(capabilityView),
  egresses: adapter.egresses.map(capabilityView),
  listening: door === undefined ? undefined : { address: door.address, port: door.port },
})
