/** The whole policy of "what is converted when": tracks and wishes in, a plan out. Pure. */
import type { CodecParameters, Kind } from '../media/types.ts'
import { describeParams } from './describe.ts'
import type {
  Accept,
  Negotiate,
  NegotiatePolicy,
  Plan,
  PlannedTrack,
  RtpProfile,
  SkippedTrack,
  Step,
  TrackInfo,
} from './types.ts'

/** What a WebRTC path carries: 1200 bytes less the RTP header of 12. */
export const defaultProfile: RtpProfile = { maxPayload: 1188 }

/** Weights of the steps. A transcode always costs more than any sure way without one. */
const costs = { copy: 0, form: 1, dropBFrames: 2, profileMismatch: 0.25, transcode: 10, doubtful: 1e6 }

type Failure = 'no-common-codec' | 'transcode-unavailable' | 'b-frames'
interface Refusal {
  readonly code: Failure
  readonly why: string
}
type Route = { readonly steps: readonly Step[]; readonly cost: number } | Refusal

const kinds: readonly Kind[] = ['video', 'audio', 'data']

/** Can packets of this source go to a reader with this profile as they are? */
export const fitsProfile = (
  source: { readonly rtp?: RtpProfile | undefined },
  profile: RtpProfile,
): boolean => {
  if (source.rtp === undefined) return true
  const modeFits = profile.h264PacketizationMode !== 0 || source.rtp.h264PacketizationMode === 0
  return source.rtp.maxPayload <= profile.maxPayload && modeFits
}

/**
 * Opus decoders take any channel count, whatever the SDP says (RFC 7587 section 7). A size that must not change is kept
 * by an encoder only: the source may change its own at any key frame.
 */
const sameFormat = (params: CodecParameters, accept: Accept): boolean =>
  params.codec === accept.codec &&
  accept.size === undefined &&
  (accept.sampleRate === undefined || params.clockRate === accept.sampleRate) &&
  (accept.channels === undefined ||
    params.codec === 'opus' ||
    !('channels' in params) ||
    params.channels === accept.channels)

const isReordered = (params: CodecParameters): boolean => 'reordered' in params && params.reordered === true

/** The steps between forms when the codec stays. */
const formSteps = (track: TrackInfo, accept: Accept): readonly Step[] => {
  const profile = accept.rtp ?? defaultProfile
  if (track.native === 'frame')
    return accept.form === 'frame' ? [{ op: 'copy' }] : [{ op: 'packetise', profile }]
  if (accept.form === 'frame') return [{ op: 'depacketise' }]
  return fitsProfile(track, profile) ? [{ op: 'copy' }] : [{ op: 'repacketise', profile }]
}

/** Steps around a frame filter or a transcoder, which take and give frames. */
const around = (track: TrackInfo, accept: Accept, step: Step): readonly Step[] => [
  ...(track.native === 'rtp' ? [{ op: 'depacketise' } as const] : []),
  step,
  ...(accept.form === 'rtp' ? [{ op: 'packetise', profile: accept.rtp ?? defaultProfile } as const] : []),
]

const profileCost = (params: CodecParameters, accept: Accept): number => {
  if (!('profileLevelId' in params) || accept.profileLevelId === undefined) return 0
  const same =
    params.profileLevelId?.slice(0, 2).toLowerCase() === accept.profileLevelId.slice(0, 2).toLowerCase()
  return same ? 0 : costs.profileMismatch
}

const direct = (track: TrackInfo, accept: Accept): Route => {
  const steps = formSteps(track, accept)
  const form = steps[0]?.op === 'copy' ? costs.copy : costs.form
  const doubt = accept.doubtful === true ? costs.doubtful : 0
  return { steps, cost: form + profileCost(track.params, accept) + doubt }
}

const forbids = ({ transcode }: NegotiatePolicy, kind: Kind): string | undefined => {
  if (transcode === 'off') return 'transcoding is off'
  return transcode === 'audio' && kind !== 'audio' ? 'only sound may be transcoded' : undefined
}

const transcode = (track: TrackInfo, accept: Accept, policy: NegotiatePolicy): Route => {
  const { params } = track
  const forbidden = forbids(policy, track.kind)
  if (forbidden !== undefined) return { code: 'transcode-unavailable', why: forbidden }
  const cost = policy.cost(params, accept)
  if (cost === undefined && policy.unavailable !== undefined)
    return { code: 'transcode-unavailable', why: policy.unavailable }
  if (cost === undefined)
    return { code: 'no-common-codec', why: `no transcoder makes ${accept.codec} of ${params.codec}` }
  const steps = around(track, accept, { op: 'transcode', to: accept.codec })
  return { steps, cost: costs.transcode + cost }
}

const rejected: Refusal = { code: 'b-frames', why: 'it has B-frames, which are refused' }

/** Dropping is legal where no picture refers to a B-frame: reordering deeper than 1 means that some do. */
const withoutBFrames = (track: TrackInfo, accept: Accept, policy: NegotiatePolicy): Route => {
  const depth = 'maxReorder' in track.params ? (track.params.maxReorder ?? 0) : 0
  if (policy.bFrames === 'transcode' || depth > 1) {
    const made = transcode(track, accept, policy)
    if ('steps' in made) return made
    const deep = `its B-frames are ${depth} deep and refer to each other: dropping breaks the picture`
    return { code: 'b-frames', why: `${depth > 1 ? deep : 'it has B-frames'}, ${made.why}` }
  }
  return { steps: around(track, accept, { op: 'drop-b-frames' }), cost: costs.dropBFrames }
}

const route = (track: TrackInfo, accept: Accept, policy: NegotiatePolicy): Route => {
  const shuffled = accept.reordered === false && isReordered(track.params)
  if (shuffled && policy.bFrames === 'reject') return rejected
  if (!sameFormat(track.params, accept)) return transcode(track, accept, policy)
  if (shuffled) return withoutBFrames(track, accept, policy)
  return direct(track, accept)
}

const describeWish = ({ codec, size }: Accept): string =>
  size === undefined ? codec : `${codec} ${size.width}x${size.height}`

const unique = (values: readonly string[]): string[] => [...new Set(values)]

/** What a track's refusals come to: B-frames of a codec in common say more than a codec that is not. */
const refusalOf = (track: TrackInfo, wanted: readonly Accept[], refusals: readonly Refusal[]): Refusal => {
  const label = describeParams(track.params)
  const found = refusals.find(({ code }) => code === 'b-frames') ?? refusals[0]
  if (found === undefined) return { code: 'no-common-codec', why: `${label} → viewer takes no ${track.kind}` }
  if (found.code === 'b-frames')
    return { code: found.code, why: `${label} → viewer shows no B-frames: ${found.why}` }
  const codecs = unique(wanted.map(describeWish)).join(', ')
  return { code: found.code, why: `${label} → viewer accepts ${codecs}: ${found.why}` }
}

/** Lowest cost wins, the order of the accepts breaks ties. */
const best = (
  track: TrackInfo,
  wanted: readonly Accept[],
  policy: NegotiatePolicy,
): PlannedTrack | Refusal => {
  let found: PlannedTrack | undefined
  const refusals: Refusal[] = []
  for (const accept of wanted) {
    const way = route(track, accept, policy)
    if (!('steps' in way)) refusals.push(way)
    else if (found === undefined || way.cost < found.cost)
      found = { source: track.id, label: describeParams(track.params), accept, ...way }
  }
  return found ?? refusalOf(track, wanted, refusals)
}

/** A size that the egress itself asks for is kept. */
const locked = (accept: Accept, { lockResolution: size }: NegotiatePolicy): Accept =>
  accept.kind !== 'video' || size === undefined ? accept : { size, ...accept }

const failure = (refusals: readonly Refusal[]): Failure =>
  (['b-frames', 'transcode-unavailable'] as const).find(code => refusals.some(r => r.code === code)) ??
  'no-common-codec'

interface Outcome {
  readonly planned: PlannedTrack[]
  readonly skipped: SkippedTrack[]
  readonly refusals: Refusal[]
}

/** The first track that can be served at all gets served; all others are named with the reason. */
const serveKind = (
  tracks: readonly TrackInfo[],
  wanted: readonly Accept[],
  policy: NegotiatePolicy,
  { planned, skipped, refusals }: Outcome,
): void => {
  let served: string | undefined
  for (const track of tracks) {
    const { id: source } = track
    if (served !== undefined) {
      const reason = `${describeParams(track.params)} (${source}): the viewer takes one ${track.kind} track and gets ${served}`
      skipped.push({ source, reason })
      continue
    }
    const result = best(track, wanted, policy)
    if ('source' in result) {
      planned.push(result)
      served = source
    } else {
      refusals.push(result)
      skipped.push({ source, reason: result.why })
    }
  }
}

/** One track per kind, over the cheapest way. Nothing at all is a failure that names both sides. */
export const negotiate: Negotiate = (tracks, accepts, policy): Plan => {
  const outcome: Outcome = { planned: [], skipped: [], refusals: [] }
  const sources = tracks.filter(track => track.derivedFrom === undefined)
  for (const kind of kinds) {
    const ofKind = <T extends { readonly kind: Kind }>(list: readonly T[]): T[] =>
      list.filter(one => one.kind === kind)
    serveKind(
      ofKind(sources),
      ofKind(accepts).map(accept => locked(accept, policy)),
      policy,
      outcome,
    )
  }
  const { planned, skipped, refusals } = outcome
  if (planned.length > 0) return { ok: true, tracks: planned, skipped }
  return {
    ok: false,
    code: failure(refusals),
    skipped,
    offered: unique(sources.map(({ params }) => `${params.kind}:${params.codec}`)),
    wanted: unique(accepts.map(({ kind, codec }) => `${kind}:${codec}`)),
  }
}
