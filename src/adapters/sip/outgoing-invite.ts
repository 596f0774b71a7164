/** The contract of a call that we make, until it is answered. */
import type { Body, NameAddr, SipResponse } from './message/types.ts'
import type { RouteOptions } from './request.ts'
import type { Session } from './session.ts'

export interface InviteOptions extends RouteOptions {
  /** Absent: the callee makes the offer (late offer). */
  readonly body?: Body
  /** Session timer asked for, in seconds (RFC 4028). Default: that of the signalling; 0: none. */
  readonly sessionExpiresS?: number
}

export interface Provisional {
  readonly response: SipResponse
  /** To tag: each phone that rings has its own. */
  readonly fork: string
  readonly body?: Body
  /** Set when the callee makes the offer in a reliable provisional response: the answer goes with the PRACK, now. */
  readonly answer?: (body: Body) => void
}

export interface Rejection {
  readonly code: number
  readonly reason: string
  readonly response: SipResponse
  readonly retryAfterS?: number
  /** Of a 3xx, best first. They are only told, never followed. */
  readonly contacts: readonly NameAddr[]
  /** Why, when the response was made up here: 'no answer within 32 s', 'the host is not known'. */
  readonly detail?: string
}

export interface OutgoingInviteEvents {
  provisional?(provisional: Provisional): void
  /** The first 2xx wins; 2xx of other forks are acknowledged and hung up. For a late offer `offer` is set: see `Session.acknowledge`. */
  accepted(session: Session, answer: { readonly response: SipResponse; readonly body?: Body }): void
  /** Once, in place of `accepted`. After `cancel` it is 487, whatever the callee said. */
  rejected(rejection: Rejection): void
}

export interface OutgoingInvite {
  readonly callId: string
  /** Idempotent. A 2xx that crosses it is acknowledged and hung up. `reason` becomes a Reason header. */
  cancel(reason?: string): void
}
