import type { ClientRequest } from '../client/client-request.ts'
import { RepeatableRequest, signatureOf } from '../client/send-once.ts'
import type { Sign } from '../client/sign.ts'
import type { RequestDraft } from '../message/format-message.ts'
import type { Body, SipRequest, SipResponse } from '../message/types.ts'
import type { ServerExchange } from '../server/server-exchange.ts'
import type { IncomingOffer, InDialogOptions } from '../session.ts'
import type { Stack } from '../stack/stack.ts'
import type { Flow } from '../transport/flow.ts'
import type { Dialog } from './dialog.ts'
import { sendInDialog } from './in-dialog-request.ts'
import { ReinviteServer } from './offer-server.ts'
import type { PendingAck } from './pending-ack.ts'
import {
  askForTimer,
  grantedTimer,
  grantHeaders,
  grantTimer,
  minimumOf,
  type SessionInterval,
} from './session-timer.ts'

export interface OfferExchangeHost {
  readonly stack: Stack
  readonly dialog: Dialog
  readonly contact: string
  readonly sign: Sign | undefined
  /** We made the call: decides how long a retry after 491 waits (RFC 3261 14.1). */
  readonly caller: boolean
  /** Who refreshes the session now: us, the peer, or nobody. */
  refresher(): 'us' | 'peer' | undefined
  timer(interval: SessionInterval | undefined, weRefresh: boolean): void
  offered(offer: IncomingOffer): void
  answered(body: Body): void
  /** The last body of ours that the peer has. */
  said(body: Body): void
  lost(detail: string): void
}

/** A re-INVITE that is only provisionally answered is taken back then. */
const patienceUs = 60_000_000

/** Most tries of one re-INVITE or UPDATE against glare. */
const maxTries = 6

/** Offers after the first, both ways, one at a time (RFC 3261 14, RFC 3311). */
export class OfferExchange {
  readonly #host: OfferExchangeHost
  #incoming: ReinviteServer | undefined
  #incomingUpdate = false
  #outgoing: ClientRequest | undefined
  #queue: Promise<unknown> = Promise.resolve()
  #pendingAck: PendingAck | undefined
  #idle: (() => void)[] = []
  #minimumS: number
  #closed = false

  constructor(host: OfferExchangeHost) {
    this.#host = host
    this.#minimumS = host.stack.sessionTimer.minimumS
  }

  /** The 2xx of the INVITE that began the call. */
  waitForAck(pending: PendingAck): void {
    this.#pendingAck = pending
  }

  get waitsForAck(): boolean {
    return this.#pendingAck !== undefined
  }

  /** It never came. */
  forgetAck(): void {
    this.#pendingAck?.stop()
    this.#pendingAck = undefined
    this.#wake()
  }

  /** True when the ACK was waited for. */
  receiveAck(request: SipRequest): boolean {
    const pending = this.#pendingAck
    if (pending === undefined || request.cseq !== pending.cseq) return false
    pending.stop()
    this.#pendingAck = undefined
    if (pending.wantsAnswer && request.body !== undefined) this.#host.answered(request.body)
    this.#wake()
    return true
  }

  close(): void {
    this.#closed = true
    this.#incoming?.reject(487)
    this.#outgoing?.abandon()
    this.forgetAck()
  }

  receiveInvite(request: SipRequest, flow: Flow): void {
    const { stack, contact, dialog } = this.#host
    const offer = new ReinviteServer(stack, request, flow, contact, {
      accepted: (interval, body) => {
        dialog.refreshTarget(request.headers, flow)
        this.#pendingAck = offer.pendingAck
        this.#host.said(body)
        this.#host.timer(interval, interval?.refresher === 'uas')
      },
      unacknowledged: () => this.#host.lost('the ACK of a re-INVITE never came'),
      decided: () => {
        this.#incoming = undefined
        this.#wake()
      },
    })
    if (this.#refuseGlare((code, headers) => offer.reject(code, { headers }))) return
    // A new re-INVITE proves that the peer has the 2xx of the one before: its ACK was lost.
    this.forgetAck()
    this.#incoming = offer
    this.#host.offered(offer)
  }

  receiveUpdate(exchange: ServerExchange, flow: Flow): void {
    const { request } = exchange
    const { stack, contact, dialog } = this.#host
    const accept = (body?: Body): void => {
      const interval = grantTimer(request.headers, stack.sessionTimer)
      const headers = { Contact: contact, ...stack.capabilities, ...grantHeaders(interval) }
      exchange.reply(200, { headers, ...(body === undefined ? undefined : { body }) })
      dialog.refreshTarget(request.headers, flow)
      if (body !== undefined) this.#host.said(body)
      this.#host.timer(interval, interval?.refresher === 'uas')
    }
    if (request.body === undefined) {
      accept()
      return
    }
    if (this.#refuseGlare((code, headers) => exchange.reply(code, { headers }))) return
    this.#incomingUpdate = true
    const decided = (): void => {
      this.#incomingUpdate = false
      this.#wake()
    }
    this.#host.offered({
      method: 'UPDATE',
      request,
      body: request.body,
      accept: body => {
        accept(body)
        decided()
      },
      reject: (code, options) => {
        exchange.reply(code, options)
        decided()
      },
    })
  }

  /** Sends an offer, or asks for one, when its turn has come. */
  send(
    method: 'INVITE' | 'UPDATE',
    body: Body | undefined,
    options: InDialogOptions = {},
    answerTo?: (offer: Body) => Body,
  ): Promise<SipResponse> {
    const turn = this.#queue.then(() => this.#take(method, body, options, answerTo))
    this.#queue = turn.catch(() => undefined)
    return turn
  }

  async #take(
    method: 'INVITE' | 'UPDATE',
    body: Body | undefined,
    options: InDialogOptions,
    answerTo?: (offer: Body) => Body,
  ): Promise<SipResponse> {
    for (let tries = 1; ; tries++) {
      await this.#untilIdle()
      const response = await this.#once(method, body, options, answerTo)
      this.#outgoing = undefined
      this.#wake()
      if (this.#closed || tries >= maxTries) return response
      if (response.code === 422) this.#minimumS = Math.max(this.#minimumS, minimumOf(response.headers))
      else if (response.code === 491) await this.#sleep(this.#glareWaitUs())
      else return response
    }
  }

  #once(
    method: 'INVITE' | 'UPDATE',
    body: Body | undefined,
    options: InDialogOptions,
    answerTo?: (offer: Body) => Body,
  ): Promise<SipResponse> {
    const { stack, dialog, contact, sign } = this.#host
    const refresher = this.#host.refresher()
    const keep = refresher === undefined ? undefined : refresher === 'us' ? 'uac' : 'uas'
    const timer = askForTimer({ ...stack.sessionTimer, minimumS: this.#minimumS }, keep)
    const headers = { Contact: contact, ...stack.capabilities, ...timer, ...options.headers }
    const draft = dialog.draft(method, headers, body)
    let ack: RepeatableRequest | undefined
    return new Promise(resolve => {
      const request = sendInDialog(stack, dialog, draft, sign, (response, _flow, detail) => {
        if (response.code < 200) return
        if (ack !== undefined) {
          ack.again()
          return
        }
        stopWaiting()
        if (method === 'INVITE' && response.code < 300) {
          ack = this.#acknowledge(response, request.draft, body === undefined ? answerTo : undefined)
        }
        this.#settle(response, body, detail)
        resolve(response)
      })
      const stopWaiting = stack.clock.after(patienceUs, () => request.cancel())
      this.#outgoing = request
    })
  }

  #settle(response: SipResponse, body: Body | undefined, detail: string | undefined): void {
    const { code } = response
    if (code < 300) {
      const interval = grantedTimer(response.headers)
      this.#host.dialog.refreshTarget(response.headers)
      if (body !== undefined) this.#host.said(body)
      this.#host.timer(interval, interval?.refresher === 'uac')
    } else if (code === 481 || code === 408) this.#host.lost(detail ?? `${code} ${response.reason}`)
  }

  #acknowledge(
    response: SipResponse,
    invite: RequestDraft,
    answerTo?: (offer: Body) => Body,
  ): RepeatableRequest {
    const { stack, dialog } = this.#host
    dialog.refreshTarget(response.headers)
    const answer = response.body === undefined ? undefined : answerTo?.(response.body)
    if (answer !== undefined) this.#host.said(answer)
    const draft = dialog.draft('ACK', signatureOf(invite), answer, invite.cseq)
    return new RepeatableRequest(stack, draft, dialog.hop())
  }

  /** 491 while an offer of ours is open, 500 while one of theirs is (RFC 3261 14.2, RFC 3311 5.2). True when refused. */
  #refuseGlare(refuse: (code: number, headers: Record<string, string>) => void): boolean {
    const ourOfferOpen = this.#outgoing !== undefined || this.#pendingAck?.wantsAnswer === true
    if (ourOfferOpen) refuse(491, {})
    else if (this.#incoming !== undefined || this.#incomingUpdate) {
      refuse(500, { 'Retry-After': String(Math.floor(this.#host.stack.random() * 11)) })
    } else return false
    return true
  }

  #glareWaitUs(): number {
    const { caller, stack } = this.#host
    const steps = caller ? 210 + stack.random() * 190 : stack.random() * 200
    return Math.floor(steps) * 10_000
  }

  #sleep(us: number): Promise<void> {
    return new Promise(resolve => {
      const cancel = this.#host.stack.clock.after(us, resolve)
      if (this.#closed) {
        cancel()
        resolve()
      }
    })
  }

  async #untilIdle(): Promise<void> {
    while (
      !this.#closed &&
      (this.#incoming !== undefined || this.#incomingUpdate || this.#pendingAck !== undefined)
    ) {
      await new Promise<void>(resolve => this.#idle.push(resolve))
    }
  }

  #wake(): void {
    for (const resume of this.#idle.splice(0)) resume()
  }
}
