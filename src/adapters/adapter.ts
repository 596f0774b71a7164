/** L3. The one contract that a protocol folder implements. */
import type { ServerResponse } from 'node:http'
import type {
  Accept,
  Clock,
  Closable,
  Egress,
  LinkStats,
  Publication,
  Registry,
  Scope,
  TrackInfo,
} from '../core/types.ts'
import type { CodecId, Form } from '../media/types.ts'
import type { CallDesk, CallExplanation, CallQuestion } from './call-desk.ts'
import type { Credentials } from './credentials.ts'

/** Validates one section of the configuration; throws on unknown keys. A zod schema is one. */
export interface ConfigSchema<C> {
  parse(input: unknown): C
}

/** Fields first, sentence second. Never call it per packet: count, and log the count. */
export interface Logger {
  child(bindings: Readonly<Record<string, unknown>>): Logger
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface Access extends Credentials {
  readonly action: 'publish' | 'subscribe' | 'api'
  readonly stream: string
  readonly protocol: string
  /** IP address of the peer, without port. */
  readonly remote: string
  /** With the action 'api': looking on only, or changing things. Default 'write'. */
  readonly scope?: 'read' | 'write'
}

/** A call that comes in and that the rules of its protocol admit, for whoever is asked about it as well. */
export interface CallAccess {
  readonly action: 'call'
  readonly protocol: string
  /** IP address of the peer, without port. */
  readonly remote: string
  /** URIs of who calls, as it says itself, and of what is called. */
  readonly from: string
  readonly to: string
  /** The number, or what else stands for it: `1000`. */
  readonly called: string
  /** The rule that admits it. */
  readonly route: string
  /** The registration or trunk by which it came. */
  readonly account: string | undefined
  /** Who calls, and who has passed the call on, as that asserts, if it is trusted. */
  readonly asserted?: string
  readonly diverted?: readonly string[]
  /** Who signed it. */
  readonly user: string | undefined
  /** The streams that the caller's media is to be, and that it is to hear; `{callId}` stands for what is not known yet. */
  readonly publish: string | undefined
  readonly hear: string | undefined
}

export interface HttpExchange {
  readonly request: Request
  /** Percent-decoded path parameters. */
  readonly params: Readonly<Record<string, string>>
  /** IP address of the peer. */
  readonly remote: string
  /** Takes the response over (status and headers still unsent), for bodies that watch their own back-pressure. Return undefined then. */
  takeOver(): ServerResponse
}

/** The gateway's one HTTP server. `path` is a Hono pattern: '/whip/:stream{.+}'. */
export interface HttpMount {
  route(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'OPTIONS',
    path: string,
    handle: (exchange: HttpExchange) => Promise<Response | undefined>,
  ): void
}

export interface HostAddress {
  readonly address: string
  readonly family: number
}
/** Rejects with a GatewayError: 'forbidden' for a host that may not be dialled, 'connect-failed' for an unknown one. */
export type ResolveHost = (host: string) => Promise<readonly HostAddress[]>

/** A command line that is ready for a shell. */
export interface PeerCommand {
  readonly program: 'ffmpeg' | 'gstreamer'
  readonly line: string
}
/** What somebody needs who is to be the other end of a session that no signalling sets up. */
export interface PeerDescription {
  /** Whether that end sends to us or gets from us. */
  readonly does: 'send' | 'receive'
  /** A session description (RFC 8866); undefined where there is none. */
  readonly sdp: string | undefined
  readonly commands: readonly PeerCommand[]
  /** Keys that stand in these texts: for whoever opened the session, and nobody else. */
  readonly secrets: readonly string[]
}

export interface AdapterContext {
  readonly registry: Registry
  readonly scope: Scope
  readonly clock: Clock
  readonly log: Logger
  readonly http: HttpMount
  /** May a file be begun? Rejects with a GatewayError 'no-space' that says why not. Absent: always. */
  readonly admitFile?: () => Promise<void>
  /** Rejects with a GatewayError ('unauthorized' or 'forbidden') that says why. */
  authorize(access: Access): Promise<void>
  /**
   * Rejects with a GatewayError 'unauthorized', 'forbidden' or 'not-found', or with one that has `retryAfterS` when
   * whoever is asked gave no answer. Absent: nobody is asked.
   */
  readonly admitCall?: (call: CallAccess) => Promise<void>
  /** For `pull` and `push`: told what the other end must know, as soon as that is certain, and when it changes. */
  readonly tellPeer?: (peer: PeerDescription) => void
  /** The ffmpeg that there may be. Absent: the one in the path. */
  readonly ffmpegPath?: () => string
  /** Where a host that is dialled may be found; see `pinnedLookup`. Left out: wherever it is. */
  readonly resolveHost?: ResolveHost
  /**
   * Rejects with a GatewayError 'forbidden' for an address that a peer may not lead us to, as a caller that transfers
   * does: whoever may use the API has no part in it. Left out: it may lead anywhere.
   */
  readonly resolveForPeers?: (host: string) => Promise<unknown>
}

export interface Capability {
  readonly codec: CodecId
  readonly form: Form
  readonly note?: string
}

/** A listening door: where it really listens (port 0 resolved), for people and tests. */
export interface Listener extends Closable {
  readonly address: string
  readonly port: number
  /** Of the URLs that lead here, when it is not the name of the adapter: 'https', 'rtmps'. */
  readonly scheme?: string
  /** More doors of the same adapter. */
  readonly further?: readonly Listener[]
}

/** A source that was dialled. */
export interface PulledSource extends Closable {
  /** What its protocol knows of the way from it; still told after the end. */
  link?(): LinkStats | undefined
}

/** When a changed key of the configuration takes effect: at once, for what begins from now on, or at the next start. */
export type ReloadClass = 'live' | 'next-session' | 'restart'

/** Every role is optional: a folder may only listen, only dial, only read or only write. */
export interface Adapter<C> {
  readonly name: string
  readonly schemes: readonly string[]
  readonly config: ConfigSchema<C>
  /** Options of its URLs that name files: whoever takes the URL says where they may lie. */
  readonly fileOptions?: readonly string[]
  /** Of each key of its section, which is one object for as long as the gateway runs. A key not named: 'restart'. */
  readonly reload?: Readonly<Record<string, ReloadClass>>
  /** What it dials is dialled once: who has hung up, or does not answer, is not called again and again. */
  readonly once?: true
  /** Printed as the README matrix and in GET /v1/adapters; the contract tests walk it. */
  readonly ingests: readonly Capability[]
  readonly egresses: readonly Capability[]
  /** Others connect to us (publish and play). */
  listen?(context: AdapterContext, config: C): Promise<Listener | undefined>
  /** We connect and read, into the publication handed in. Resolves once connected; the Closable ends when the source does. */
  pull?(context: AdapterContext, config: C, url: URL, publication: Publication): Promise<PulledSource>
  /** We connect and write. The Egress is then subscribed to a stream by the caller. */
  push?(context: AdapterContext, config: C, url: URL): Promise<Egress>
  /** What `push` would write there, found out without connecting. Absent: a push that is closed at once disturbs nobody. */
  wouldTake?(config: C, url: URL, tracks: readonly TrackInfo[]): readonly Accept[]
  /** The calls of this context, whether it listens or not. Nothing is opened before the first one. */
  calls?(context: AdapterContext, config: C): CallDesk
  /** What would happen to a call by this section, without a gateway. @throws GatewayError 'bad-url' */
  explainCalls?(config: C, question: CallQuestion): CallExplanation
}
