/** What the API shows of streams, tracks and plans: numbers and words, never bytes or keys. */
import type { Adapter, Capability, Listener, PeerDescription } from '../adapters/adapter.ts'
import type { BridgeInfo, SourceInfo } from '../bridges/bridge.ts'
import type { Explanation } from '../bridges/explain.ts'
import type { LegInfo } from '../bridges/leg-info.ts'
import { describeReason } from '../core/scope.ts'
import type {
  Plan,
  StreamInfo,
  SubscriberInfo,
  TrackInfo,
  TranscodeProgress,
  WaitingInfo,
} from '../core/types.ts'
import type { CodecParameters } from '../media/types.ts'
import { maskUrls } from '../observe/mask-urls.ts'
import type { AdapterView } from './schemas/adapter.ts'
import type { BridgeView, LegView } from './schemas/bridge.ts'
import type { PlanView } from './schemas/plan.ts'
import type { StreamView, SubscriberView, TrackView } from './schemas/stream.ts'

const isoTime = (wallUs: number): string => new Date(wallUs / 1000).toISOString()

const pictureOf = (params: CodecParameters): Pick<TrackView, 'width' | 'height' | 'profile'> => {
  const size = 'size' in params ? params.size : undefined
  const profile = 'profileLevelId' in params ? params.profileLevelId : undefined
  return {
    ...(size === undefined ? {} : { width: size.width, height: size.height }),
    ...(profile === undefined ? {} : { profile }),
  }
}

const soundOf = (params: CodecParameters): Pick<TrackView, 'channels' | 'sampleRate'> =>
  'channels' in params ? { channels: params.channels, sampleRate: params.clockRate } : {}

/** A transcoder knows more of its jobs than is told. */
const progressView = (progress: TranscodeProgress): NonNullable<TrackView['stats']>['transcode'] => {
  const { packetsIn, packetsOut, restarts, dropped, latencyMs, concealedMs, silentMs, jitterMs } = progress
  return {
    packetsIn,
    packetsOut,
    restarts,
    dropped: { ...dropped },
    latencyMs,
    concealedMs,
    silentMs,
    jitterMs,
  }
}

const trackView = (track: TrackInfo): TrackView => ({
  id: track.id,
  kind: track.kind,
  codec: track.params.codec,
  form: track.native,
  ...pictureOf(track.params),
  ...soundOf(track.params),
  keyframeOnRequest: track.keyframeOnRequest,
  derivedFrom: track.derivedFrom,
  stats: track.stats && {
    ...track.stats,
    derived: [...track.stats.derived],
    transcode: track.stats.transcode && progressView(track.stats.transcode),
  },
})

/** A plan as data: per track what is done on the way, and what is left out and why. */
const planView = (plan: Plan): PlanView => {
  const skipped = [...plan.skipped]
  if (!plan.ok) return { ...plan, skipped, offered: [...plan.offered], wanted: [...plan.wanted] }
  const tracks = plan.tracks.map(({ source, label, accept, steps, cost }) => {
    return { source, label, codec: accept.codec, form: accept.form, steps: [...steps], cost }
  })
  return { ok: true, tracks, skipped }
}

const subscriberView = ({ id, label, since, plan, stats, link }: SubscriberInfo): SubscriberView => ({
  id,
  label: maskUrls(label),
  since: isoTime(since),
  plan: planView(plan),
  stats,
  link,
})

const waitingView = ({ reason, leftMs }: WaitingInfo): NonNullable<StreamView['waiting']> => ({
  reason: maskUrls(describeReason(reason)),
  leftMs,
})

/** `inside: false`: for viewers, who need not know each other's addresses. */
export const streamView = (stream: StreamInfo, inside: boolean): StreamView => ({
  name: stream.name,
  state: stream.state,
  since: stream.readySince === undefined ? undefined : isoTime(stream.readySince),
  tracks: stream.tracks.map(trackView),
  viewers: stream.subscribers.length,
  ...(inside
    ? {
        publisher: stream.publisher === undefined ? undefined : maskUrls(stream.publisher),
        publisherLink: stream.publisherLink,
        waiting: stream.waiting && waitingView(stream.waiting),
        subscribers: stream.subscribers.map(subscriberView),
      }
    : {}),
})

const peerView = (
  { does, sdp, commands, secrets }: PeerDescription,
  isSecret: boolean,
): NonNullable<LegView['peer']> => {
  const shown = (text: string): string =>
    isSecret ? secrets.reduce((masked, secret) => masked.replaceAll(secret, '***'), text) : text
  return {
    does,
    sdp: sdp === undefined ? null : shown(sdp),
    commands: commands.map(({ program, line }) => ({ program, line: shown(line) })),
  }
}

/** What is undefined in here is null there: each key is always present. */
const legView = (leg: LegInfo, isSecret: boolean): LegView => ({
  to: leg.to,
  state: leg.state,
  waiting: leg.waiting === undefined ? null : waitingView(leg.waiting),
  lastError: leg.error === undefined ? null : maskUrls(leg.error.message),
  lastErrorAt: leg.errorAt === undefined ? null : isoTime(leg.errorAt),
  code: leg.error?.code ?? null,
  retries: leg.retries,
  nextRetryAt: leg.nextRetryAt === undefined ? null : isoTime(leg.nextRetryAt),
  plan: leg.plan === undefined ? null : planView(leg.plan),
  bytes: leg.bytes,
  stats: leg.stats ?? null,
  profile: leg.profile ?? null,
  preflight: [...leg.preflight],
  peer: leg.peer === undefined ? null : peerView(leg.peer, isSecret),
})

const sourceView = (
  { state, error, retries, peer }: SourceInfo,
  isSecret: boolean,
): BridgeView['source'] => ({
  state,
  lastError: error === undefined ? null : maskUrls(error.message),
  retries,
  peer: peer === undefined ? null : peerView(peer, isSecret),
})

const viewOf = ({ legs, source, waiting, ...bridge }: BridgeInfo, isSecret: boolean): BridgeView => ({
  ...bridge,
  waiting: waiting && waitingView(waiting),
  source: source && sourceView(source, isSecret),
  legs: legs.map(leg => legView(leg, isSecret)),
})

/** For whoever asks; keys that the other end needs are left out. */
export const bridgeView = (bridge: BridgeInfo): BridgeView => viewOf(bridge, true)

/** For whoever opened it. */
export const openedBridgeView = (bridge: BridgeInfo): BridgeView => viewOf(bridge, false)

export const explanationView = ({ from, to }: Explanation): object => ({
  from,
  legs: to.map(leg => ({ to: leg.to, plan: leg.plan && planView(leg.plan), preflight: leg.preflight })),
})

const capabilityView = ({ codec, form, note }: Capability): Capability => ({
  codec,
  form,
  ...(note !== undefined && { note }),
})

export const adapterView = (adapter: Adapter<unknown>, door: Listener | undefined): AdapterView => ({
  name: adapter.name,
  schemes: [...adapter.schemes],
  roles: (['listen', 'pull', 'push'] as const).filter(role => adapter[role] !== undefined),
  ingests: adapter.ingests.map(capabilityView),
  egresses: adapter.egresses.map(capabilityView),
  listening: door === undefined ? undefined : { address: door.address, port: door.port },
})
