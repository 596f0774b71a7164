/** What a call is about, and what is to become of it: data. */
import type { Publication } from '../../../core/types.ts'
import type { CallInfo, CallReason } from '../../call-desk.ts'
import type { BoundAddress } from '../addresses.ts'
import type { Asserted } from '../asserted.ts'
import type { SipRoute } from '../config/route.ts'

/** What stays as it is for the whole call. */
export interface CallAbout {
  readonly direction: CallInfo['direction']
  readonly from: string
  readonly to: string
  /** `udp 192.0.2.1:5060`. */
  readonly peer: string
  /** IP address of the signalling. */
  readonly peerIp: string
  /** The door of ours that its signalling goes by. */
  readonly local: BoundAddress
  /** Its far side is where it says: by a connection, signed, or called by us. */
  readonly isProven: boolean
  readonly account?: string | undefined
  readonly route?: SipRoute | undefined
  readonly routeName?: string | undefined
  /** What a trusted account or trunk says of it. */
  readonly identity?: Asserted | undefined
}

/** What becomes of the call once it is joined. */
export interface CallPurpose {
  /** The name that the far side's media is published under. */
  readonly publish?: string | undefined
  /** Whoever publishes under that name is replaced. */
  readonly takesOver?: boolean | undefined
  /** What is published into, where that is somebody else's. */
  readonly publication?: Publication | undefined
  /** The stream that the far side hears. */
  readonly hear?: string | undefined
}

/** Tells the far side that it is over, as the moment wants it. */
export type Farewell = (reason: CallReason) => void
