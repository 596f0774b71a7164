/** The contract of a call that comes in, until it is answered. */

import type { Source } from './addresses.ts'
import type { Body, ExtraHeaders, SipRequest } from './message/types.ts'
import type { Session } from './session.ts'

export interface IncomingInviteEvents {
  /** The caller hung up first; 487 is already on its way. `reason` is the Reason header of the CANCEL. */
  cancelled(reason: string | undefined): void
  /** The answer to an offer of ours in a reliable provisional response, with its PRACK. */
  answered?(body: Body): void
  /** A reliable provisional response was never acknowledged; 504 was sent (RFC 3262 3). */
  failed?(detail: string): void
}

export interface ProgressOptions {
  readonly reason?: string
  readonly headers?: ExtraHeaders
  readonly body?: Body
  /** Default: when the caller requires it, or supports it and there is a body. */
  readonly reliable?: boolean
}

export interface IncomingInvite {
  readonly request: SipRequest
  readonly source: Source
  /** Who signed it, when it was challenged. */
  readonly user?: string
  /** The offer; absent: we make it, in the first reliable answer. */
  readonly offer?: Body
  /** Whether the caller takes reliable provisional responses, or insists on them. */
  readonly reliable: 'no' | 'supported' | 'required'
  /** 100 has gone out already. */
  readonly state: 'ringing' | 'accepted' | 'rejected' | 'cancelled'
  listen(events: IncomingInviteEvents): void
  /** 180, 183…; may be repeated with another code. Ignored once the call is decided. */
  progress(code: number, options?: ProgressOptions): void
  /** Undefined when the caller cancelled meanwhile. */
  accept(body: Body, options?: { readonly headers?: ExtraHeaders }): Session | undefined
  /** 300 to 699; `headers` for Retry-After, Contact, Warning. Ignored once the call is decided. */
  reject(code: number, options?: { readonly reason?: string; readonly headers?: ExtraHeaders }): void
}
