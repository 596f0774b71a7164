import type { Body, SipRequest } from '../message/types.ts'
import { answerFlow } from '../server/answer-flow.ts'
import type { IncomingOffer } from '../session.ts'
import type { Stack } from '../stack/stack.ts'
import { InviteServerTransaction } from '../transaction/invite-server.ts'
import type { Flow } from '../transport/flow.ts'
import { PendingAck } from './pending-ack.ts'
import { grantHeaders, grantTimer, type SessionInterval } from './session-timer.ts'

export interface OfferServerEvents {
  /** A 2xx is on its way; `body` is ours. */
  accepted(interval: SessionInterval | undefined, body: Body): void
  /** The ACK of a re-INVITE never came. */
  unacknowledged(): void
  /** Answered either way. */
  decided(): void
}

/** A re-INVITE of the peer. */
export class ReinviteServer implements IncomingOffer {
  readonly method = 'INVITE'
  readonly request: SipRequest
  declare readonly body?: Body
  /** Of its 2xx. */
  pendingAck: PendingAck | undefined
  readonly #stack: Stack
  readonly #contact: string
  readonly #transaction: InviteServerTransaction
  readonly #events: OfferServerEvents

  constructor(stack: Stack, request: SipRequest, flow: Flow, contact: string, events: OfferServerEvents) {
    this.#stack = stack
    this.request = request
    this.#contact = contact
    this.#events = events
    if (request.body !== undefined) this.body = request.body
    this.#transaction = new InviteServerTransaction(stack.context, answerFlow(stack, request.via, flow), {
      cancelled: () => this.reject(487),
      terminated: () => stack.table.removeServer(request),
    })
    stack.table.addServer(request, this.#transaction)
    this.#respond(100)
  }

  accept(body: Body): void {
    if (this.#transaction.state !== 'proceeding') return
    const { request } = this
    const interval = grantTimer(request.headers, this.#stack.sessionTimer)
    const headers = { Contact: this.#contact, ...this.#stack.capabilities, ...grantHeaders(interval) }
    const bytes = this.#stack.formatResponse(request.headers, { code: 200, headers, body })
    this.#transaction.respond(200, bytes)
    this.pendingAck = new PendingAck(
      this.#stack.context,
      { cseq: request.cseq, wantsAnswer: request.body === undefined },
      () => this.#transaction.respond(200, bytes),
      () => this.#events.unacknowledged(),
    )
    this.#events.accepted(interval, body)
    this.#events.decided()
  }

  reject(code: number, options: Parameters<IncomingOffer['reject']>[1] = {}): void {
    if (this.#transaction.state !== 'proceeding') return
    this.#respond(code, options)
    this.#events.decided()
  }

  #respond(code: number, options: Parameters<IncomingOffer['reject']>[1] = {}): void {
    this.#transaction.respond(code, this.#stack.formatResponse(this.request.headers, { code, ...options }))
  }
}
