/** L1. The model: streams, tracks, feeds, ownership, negotiation. Imports L0 only. */

import type { GatewayError } from '../errors.ts'
import type { CodecId, CodecParameters, Form, Frame, Kind, MediaOf, RtpPacket } from '../media/types.ts'
import type { Closable, CloseReason, TrackClock } from './lifetime.ts'
import type { Measures } from './measures.ts'
import type { Accept, MediaPolicy, NegotiatePolicy, Plan, RtpProfile, TranscodeTable } from './plan.ts'
import type { LinkStats, SubscriptionStats, TrackStats, TranscodeProgress } from './stats.ts'

export type {
  Clock,
  ClockAnchor,
  Closable,
  CloseCode,
  CloseReason,
  Scope,
  TrackClock,
} from './lifetime.ts'
export type {
  Accept,
  MediaPolicy,
  NegotiatePolicy,
  Plan,
  PlannedTrack,
  RtpProfile,
  SkippedTrack,
  Step,
  TranscodeTable,
} from './plan.ts'
export type { LinkStats, SubscriptionStats, TrackStats, TranscodeProgress } from './stats.ts'

/* ---------- moving media ---------- */

/** Synchronous, never async. A throw closes this sink's subscription and nobody else's. */
export interface Sink<U> {
  write(unit: U): void
  /** `write` threw; the feed has let this sink go. */
  failed?(error: unknown): void
}

/** A fan-out point. Attaching to a derived feed creates its converter; the last detach (plus a linger) drops it. */
export interface Feed<F extends Form> {
  readonly form: F
  readonly size: number
  /** What a late sink has missed since the last key frame, where the source cannot be asked for one. */
  readonly kept?: readonly MediaOf[F][]
  attach(sink: Sink<MediaOf[F]>): () => void
}

/** It also keeps the one history for retransmission, as soon as somebody that answers NACKs has it `remember`. */
export interface RtpFeed extends Feed<'rtp'> {
  remember(): void
  lookup(seq: number): RtpPacket | undefined
}

export interface TrackInfo {
  readonly id: string
  readonly kind: Kind
  readonly native: Form
  readonly params: CodecParameters
  /** undefined for a source track; else the track this one was transcoded from. */
  readonly derivedFrom?: string
  /** Can the source be asked for a key frame? RTMP cannot. */
  readonly keyframeOnRequest: boolean
  /** What the source's own packets are like (native form 'rtp'); absent: they fit every reader. */
  readonly rtp?: RtpProfile
  /** What went over the track so far; present in what the registry hands out. */
  readonly stats?: TrackStats
}
export interface Track extends TrackInfo, Closable {
  /** A derived track's ticks are its parent's, rescaled to its own rate, so both share one time line. */
  readonly clock: TrackClock
  frames(): Feed<'frame'>
  packets(profile: RtpProfile): RtpFeed
  /** Coalesced across subscribers: one upstream request per 500 ms, repeated with back-off until a key frame passes. */
  requestKeyframe(): void
  onParams(listener: (params: CodecParameters) => void): () => void
}

/* ---------- the writer's side ---------- */

export interface TrackSpec<F extends Form> {
  readonly id: string
  readonly native: F
  readonly params: CodecParameters
  /** What the packets will be like (native form 'rtp'); absent: they fit every reader. */
  readonly rtp?: RtpProfile
  /** Absent when the protocol has no such message. */
  readonly onKeyframeRequest?: () => void
}
export interface TrackWriter<F extends Form> {
  /** false: a lossless sink (recorder, file) is behind. Live sources ignore it, file sources await `drained()`. */
  write(unit: MediaOf[F]): boolean
  drained(): Promise<void>
  setParams(params: CodecParameters): void
  readonly clock: TrackClock
  /** How many sinks want this track, now; on-demand sources pause at 0. */
  readonly demand: number
}
/** Handed to an ingest adapter. Closing it unpublishes. */
export interface Publication extends Closable {
  readonly stream: string
  addTrack<F extends Form>(spec: TrackSpec<F>): TrackWriter<F>
  /** All tracks are declared: waiting subscribers may negotiate. Tracks may still be added later, as an event. */
  ready(): void
}

/* ---------- the reader's side ---------- */

/** Pure; the whole policy of "what is converted when" is this one function and its table test. */
export type Negotiate = (
  tracks: readonly TrackInfo[],
  accepts: readonly Accept[],
  policy: NegotiatePolicy,
) => Plan

/** What to do with a sink that cannot keep up. Never: slow the source, or grow without bound. */
export type Pressure =
  | { readonly mode: 'realtime' } // UDP: hand to the socket, count, forget
  | { readonly mode: 'drop-to-key'; readonly highWater: number; readonly giveUpMs: number } // TCP viewers, ffmpeg stdin
  | { readonly mode: 'lossless'; readonly highWater: number } // file: from half of it the source is asked to wait, beyond it the sink fails

/** Implemented by an egress adapter session. */
export interface Egress extends Closable {
  readonly label: string
  readonly pressure: Pressure
  accepts(tracks: readonly TrackInfo[]): readonly Accept[]
  /** true: `open` may be called again with tracks that appear later (FLV, RTMP); else those are skipped by name. */
  readonly takesLateTracks?: boolean
  /** What came before it joined is not for it: its reader plays by the clock, and would show all that follows later. */
  readonly live?: true
  /** Called once per plan, with real tracks (source or derived), one sink returned per planned track, same order. */
  open(tracks: readonly OpenTrack[]): Promise<readonly EgressSink[]> | readonly EgressSink[]
  /** Bytes waiting in the socket; polled before each write in drop-to-key mode. */
  backlog?(): number
  /** How far its bytes have come, for whoever watches whether they move. Absent: it cannot tell. */
  progress?(): EgressProgress
  /** What the peer and its protocol say of the way there; still told after the end. */
  link?(): LinkStats | undefined
}
export interface EgressProgress {
  /** Bytes that the operating system has taken. */
  readonly taken: number
  /** What the peer says of them; absent when it has not said enough yet to be relied upon. */
  readonly acknowledged?: {
    /** How often it has acknowledged so far. */
    readonly count: number
    /** Bytes sent that it has not acknowledged. */
    readonly missing: number
    /** It acknowledges every so many bytes. */
    readonly window: number
  }
}
export interface OpenTrack {
  readonly track: Track
  readonly accept: Accept
}
/**
 * `retarget`: the next unit comes from another track of the same codec and form (B-frames turned up and are now left
 * out; another publisher took over): sequence numbers and timestamps must be re-based. Without it, such a change calls
 * `open` again where the egress takes late tracks, else it closes the egress with 'replaced'.
 */
export type EgressSink =
  | { readonly form: 'frame'; readonly sink: Sink<Frame>; retarget?(open: OpenTrack): void }
  | { readonly form: 'rtp'; readonly sink: Sink<RtpPacket>; retarget?(open: OpenTrack): void }

export interface Subscription extends Closable {
  readonly plan: Plan
  readonly stats: SubscriptionStats
  /** After renegotiation: same egress, new accepts. Feeds are swapped at a key frame. */
  replan(accepts: readonly Accept[]): Promise<Plan>
}
export interface SubscriberInfo {
  /** Never given to another reader of this gateway's run. */
  readonly id: string
  readonly label: string
  /** Wall clock in microseconds. */
  readonly since: number
  readonly plan: Plan
  readonly stats: SubscriptionStats
  readonly link?: LinkStats
}

/* ---------- the registry ---------- */

export interface StreamInfo {
  readonly name: string
  /** 'waiting': the publisher was lost and may come back; its readers are kept meanwhile. */
  readonly state: 'empty' | 'announced' | 'ready' | 'waiting' | 'closing'
  /** Present in state 'waiting'. */
  readonly waiting?: WaitingInfo
  /** Source tracks and the tracks now derived from them. */
  readonly tracks: readonly TrackInfo[]
  /** Who publishes: "rtmp 127.0.0.1:50412". */
  readonly publisher: string | undefined
  readonly publisherLink?: LinkStats
  readonly subscribers: readonly SubscriberInfo[]
  /** Wall clock in microseconds when the stream became ready. */
  readonly readySince: number | undefined
}
export interface WaitingInfo {
  /** Why the publisher is away. */
  readonly reason: CloseReason
  /** Milliseconds until the readers are let go. */
  readonly leftMs: number
}
export interface PublishOptions {
  /** Who publishes, for people: "rtmp 127.0.0.1:50412". */
  readonly label: string
  readonly signal?: AbortSignal
  /** When the name is held: 'as-allowed' replaces the holder if the stream's `Continuity` lets this credential do so. */
  readonly onConflict: 'reject' | 'take-over' | 'as-allowed'
  /** What it showed to be let in, as `credentialOf` gives it; two that are equal are the same publisher. */
  readonly credential?: string
  /** Monotonic microseconds of its last sign of life, where the protocol sees more of them than media. */
  readonly lastSeenUs?: () => number
  /** false: it will not come back when it is lost, so nobody waits for it. */
  readonly returns?: boolean
  /** What its protocol knows of the way from it; still told after the end. */
  readonly link?: () => LinkStats | undefined
}
/** What becomes of a stream's readers when its publisher leaves, and who may take whose place. */
export interface Continuity {
  /** Readers of a publisher that was lost are kept this long; 0: not at all. */
  readonly graceMs: number
  /** Also after a publisher that said itself that it ends. */
  readonly graceOnUnpublish: boolean
  /** A publisher that was silent for so long may be replaced by anybody who may publish; 0: never. */
  readonly takeOverAfterMs: number
}
export interface SubscribeOptions {
  readonly signal?: AbortSignal
  /** Wait this long for a publisher; for a source on demand at least as long as that may take. */
  readonly waitMs?: number
  readonly start: 'live' | 'last-gop'
  /** Overrules the gateway's and the stream's for this reader. */
  readonly policy?: MediaPolicy
}
/** A stream that nobody publishes, but that can be had: 'stream:demand' asks for it. */
export interface Demand {
  /** A reader waits so long for it. */
  readonly waitMs: number
  /** Why it has not come. */
  readonly missing: () => string
}
export interface RegistryEvents {
  'stream:ready': [StreamInfo]
  'stream:closed': [StreamInfo, CloseReason]
  /** The publisher of a ready stream was lost; 'stream:resumed' or 'stream:closed' follows. */
  'stream:waiting': [StreamInfo, CloseReason]
  'stream:resumed': [StreamInfo]
  'stream:demand': [name: string]
  'subscriber:joined': [StreamInfo, label: string, SubscriberInfo]
  'subscriber:left': [StreamInfo, label: string, CloseReason, SubscriberInfo]
  'publish:refused': [name: string, label: string, GatewayError]
  'subscribe:refused': [name: string, label: string, GatewayError]
  'transcode:started': [name: string, TranscodeInfo]
  'transcode:stopped': [name: string, TranscodeInfo, CloseReason]
}
export interface TranscodeInfo {
  /** Ids of the track that is read and of the one that is made. */
  readonly source: string
  readonly track: string
  readonly codec: CodecId
  /** The transcoder's name. */
  readonly by: string
}
/** Names are paths; a room is a prefix ("room1/alice"), not a second container class. */
export interface Registry extends Closable {
  publish(name: string, options: PublishOptions): Publication
  /** For a stream in state 'waiting': tracks that match the stream's go on with them until its publisher is back. */
  standIn(name: string, label: string): Publication
  subscribe(name: string, egress: Egress, options: SubscribeOptions): Promise<Subscription>
  find(name: string): StreamInfo | undefined
  /** Somebody wants the stream: when it is not there, a source that comes on demand is asked to. */
  wake(name: string): void
  list(prefix?: string): readonly StreamInfo[]
  /** What is allowed on the way to a reader of this stream that brings `own`. */
  policy(name: string, own?: MediaPolicy): NegotiatePolicy
  /** Ends a stream's publisher and with it the stream; nobody waits for its return. false: there is none. */
  kick(name: string, detail: string): boolean
  /** Ends one reader. false: there is none. */
  kickSubscriber(name: string, id: string, detail: string): boolean
  readonly measures: Measures
  on<E extends keyof RegistryEvents>(event: E, listener: (...args: RegistryEvents[E]) => void): () => void
}

/* ---------- transcode ---------- */

/** A backend: ffmpeg child, native audio addon. One job per (track, target), however many viewers. */
export interface Transcoder extends TranscodeTable {
  readonly name: string
  open(from: Track, to: Accept, out: TrackWriter<'frame'>): Promise<TranscodeJob>
}
/** `to` comes with sample rate and channels filled in; timestamps written are the source's, rescaled to the new rate. */
export interface TranscodeJob extends Closable {
  /** Absent: key frames come with those of the source. */
  requestKeyframe?(): void
  readonly stats?: TranscodeProgress
}
