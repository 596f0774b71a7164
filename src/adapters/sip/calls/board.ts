/** What all calls of one gateway share. */
import type { Publication } from '../../../core/types.ts'
import type { PacedAudio, PacedFormat } from '../../../rtp-session/plain/paced-types.ts'
import type {
  RtpEndpoint,
  RtpEndpointOptions,
  RtpOutgoing,
  RtpSource,
} from '../../../rtp-session/plain/types.ts'
import type { AdapterContext } from '../../adapter.ts'
import type { CallEvent, CallInfo, DialRequest } from '../../call-desk.ts'
import type { BoundAddress, Target } from '../addresses.ts'
import type { SipConfig } from '../config.ts'
import type { ExtraHeaders, SipUri } from '../message/types.ts'
import type { Signalling } from '../signalling.ts'

export interface Board {
  readonly context: AdapterContext
  readonly config: SipConfig
  readonly signalling: Signalling
  /** @throws GatewayError 'port-in-use' */
  openEndpoint(options: RtpEndpointOptions): RtpEndpoint
  createPacedAudio(send: (source: RtpSource) => RtpOutgoing, format: PacedFormat): PacedAudio
  /** Our IP address as this peer reaches it, who came or is called by the door `local`; left out: the first. */
  toldAddress(peer: string, local?: BoundAddress): string
  /** The door that requests to `target` leave by. */
  doorTowards(target: Target): BoundAddress
  /** Loose routes for calls through an account or trunk. */
  routeThrough(account: string): readonly SipUri[]
  /** May there be one more call of ours, through this account? @throws GatewayError 'busy' */
  admit(account: string | undefined): void
  /** @throws GatewayError as `CallDesk.dial` */
  dial(request: PlacedCall): Promise<CallUnderWay>
  tell(event: CallEvent): void
}

/** A call that we make. */
export interface PlacedCall extends DialRequest {
  /** Whoever publishes under that name is replaced when it is answered. */
  readonly takesOver?: boolean
  /** What it publishes into, where that is somebody else's. */
  readonly publication?: Publication
  readonly headers?: ExtraHeaders
}

/** A call that we make, to be watched. */
export interface CallUnderWay {
  onRinging: () => void
  onAnswered: () => void
  /** Resolves when it is answered; perhaps never. */
  readonly whenLive: Promise<CallInfo>
  /** Resolves when it is over. */
  readonly done: Promise<CallInfo>
}
