/** The contract of an established call: what both sides may do within its dialog. */

import type { Source } from './addresses.ts'
import type { Body, ExtraHeaders, NameAddr, SipRequest, SipResponse, SipUri } from './message/types.ts'
import type { IncomingRequest } from './request.ts'

export type SessionEndCause =
  /** We said BYE. */
  | 'local'
  /** The peer said BYE. */
  | 'remote'
  /** No refresh came (RFC 4028 10). */
  | 'session-expired'
  /** Our 200 was never acknowledged; BYE was sent. */
  | 'no-ack'
  /** The peer knows the call no longer (481), or does not answer (408, 503). */
  | 'lost'

export interface SessionEnd {
  readonly cause: SessionEndCause
  /** The Reason header of the BYE, or the code of the answer that showed the loss. */
  readonly detail?: string
}

/** A re-INVITE or UPDATE of the peer: answered once. The session timer's refreshes without a body never come here. */
export interface IncomingOffer {
  readonly method: 'INVITE' | 'UPDATE'
  readonly request: SipRequest
  /** Absent: the peer asks us for an offer; its answer comes with `answered`. */
  readonly body?: Body
  accept(body: Body): void
  /** 488 when it does not fit, 500 otherwise; the session goes on as it was. */
  reject(code: number, options?: { readonly reason?: string; readonly headers?: ExtraHeaders }): void
}

export interface SessionEvents {
  /** The answer to an offer of ours that went out in a 2xx, with the peer's ACK (late offer). */
  answered?(body: Body): void
  /** The first ACK of our 2xx arrived, with or without a body. */
  acknowledged?(): void
  /** Absent: 488. */
  offered?(offer: IncomingOffer): void
  /** Each is replied to by whoever takes it. Absent: INFO 200 without a body, else 415; REFER 603; NOTIFY 481; MESSAGE 405. */
  info?(request: IncomingRequest): void
  refer?(request: IncomingRequest): void
  notify?(request: IncomingRequest): void
  message?(request: IncomingRequest): void
  /** Once, last. */
  ended(end: SessionEnd): void
}

export interface InDialogOptions {
  readonly headers?: ExtraHeaders
  readonly body?: Body
}

/** A dialog with both tags; early ones end with their INVITE. */
export interface Session {
  readonly callId: string
  readonly localTag: string
  readonly remoteTag: string
  readonly local: NameAddr
  readonly remote: NameAddr
  /** The peer's Contact: where requests of this call go. */
  readonly remoteTarget: SipUri
  /** Where the INVITE or its 2xx came from. */
  readonly source: Source
  readonly ended: boolean
  /** Whoever owns the call from now on hears of it; until then events wait. */
  listen(events: SessionEvents): void
  /** Late offer: the answer to the offer in the peer's 2xx. Needed once, within 32 s; ACKs go out by themselves otherwise. */
  acknowledge(answer: Body): void
  /**
   * Resolves with the final answer; 491 is retried after the waits of RFC 3261 14.1, 401 and 407 are answered. Without
   * a body the peer makes the offer: `answerTo` gives our answer, which goes with the ACK.
   */
  reinvite(body: Body, options?: InDialogOptions): Promise<SipResponse>
  reinvite(body: undefined, options: InDialogOptions, answerTo: (offer: Body) => Body): Promise<SipResponse>
  update(body: Body, options?: InDialogOptions): Promise<SipResponse>
  info(body: Body, options?: InDialogOptions): Promise<SipResponse>
  refer(target: string, options?: InDialogOptions): Promise<SipResponse>
  notify(event: string, state: string, options?: InDialogOptions): Promise<SipResponse>
  request(method: string, options?: InDialogOptions): Promise<SipResponse>
  /** Idempotent. `reason` becomes a Reason header: 'Q.850;cause=16;text="…"'. */
  bye(reason?: string): void
}
