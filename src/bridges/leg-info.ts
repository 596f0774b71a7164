/** What a destination of a bridge is given, and what it says of itself. */
import type { Logger, PeerDescription } from '../adapters/adapter.ts'
import type {
  Clock,
  CloseReason,
  MediaPolicy,
  Plan,
  Registry,
  SubscriptionStats,
  WaitingInfo,
} from '../core/types.ts'
import type { GatewayError } from '../errors.ts'
import type { RestreamConfig } from '../restream/config.ts'
import type { Check } from '../restream/preflight.ts'
import type { EndChange } from './bridge-event.ts'
import type { LinkState } from './link-state.ts'

/** `end`: which of the bridge's, without keys. */
export type TellPeer = (end: string, peer: PeerDescription) => void

export interface LegInfo {
  /** The destination as given, without its keys. */
  readonly to: string
  readonly state: LinkState
  /** It is connected and gets nothing: the publisher is away, within its grace time. */
  readonly waiting: WaitingInfo | undefined
  /** What was wrong last; stays when it is live again. */
  readonly error: GatewayError | undefined
  /** Wall clock in microseconds of the error. */
  readonly errorAt: number | undefined
  /** Why it is over, when it is. */
  readonly reason: CloseReason | undefined
  /** Connections tried again so far. */
  readonly retries: number
  /** Wall clock in microseconds; undefined when nothing is planned. */
  readonly nextRetryAt: number | undefined
  /** What happens to each track on its way; undefined until the source's tracks are known. */
  readonly plan: Plan | undefined
  /** Of the present connection, or of the last. */
  readonly stats: SubscriptionStats | undefined
  /** Payload bytes over all connections. */
  readonly bytes: number
  /** By whose wishes it is checked: `youtube`, `generic`; undefined: by nobody's. */
  readonly profile: string | undefined
  /** What the destination wants of the media, beside what it gets; empty where it has no profile. */
  readonly preflight: readonly Check[]
  /** What its other end must know, where no signalling tells it. */
  readonly peer: PeerDescription | undefined
}

export interface LegParts {
  readonly stream: string
  /** How long the stream may take to appear where it is not waited for again and again, milliseconds. */
  readonly waitMs: number
  /** Destinations that are lost are connected again. */
  readonly retry: boolean
  /** The stream may come back after its end. */
  readonly mayWait: () => boolean
  /** What is otherwise than the stream's on the way to the destination. */
  readonly policy: MediaPolicy
  readonly registry: Registry
  readonly clock: Clock
  readonly restream: RestreamConfig
  /** Sound may be brought into the form that the destination wants. */
  readonly canTranscode: boolean
  readonly log: Logger
  readonly onChange: (change: EndChange) => void
  readonly onPeer: TellPeer
}
