import type { Source } from '../addresses.ts'
import { RepeatableRequest, signatureOf } from '../client/send-once.ts'
import type { Sign } from '../client/sign.ts'
import type { RequestDraft } from '../message/format-message.ts'
import type { Body, NameAddr, SipRequest, SipResponse, SipUri } from '../message/types.ts'
import { ServerExchange } from '../server/server-exchange.ts'
import type { InDialogOptions, Session, SessionEndCause, SessionEvents } from '../session.ts'
import { type DialogUser, type Stack, sourceOf } from '../stack/stack.ts'
import type { Flow } from '../transport/flow.ts'
import type { Dialog } from './dialog.ts'
import type { EarlyUser } from './early-user.ts'
import { answerInDialog } from './in-dialog-answers.ts'
import { sendInDialog } from './in-dialog-request.ts'
import { OfferExchange } from './offer-exchange.ts'
import { PendingAck } from './pending-ack.ts'
import { type SessionInterval, SessionTimer } from './session-timer.ts'
import { WaitingEvents } from './waiting-events.ts'

export interface CallSessionInit {
  readonly stack: Stack
  readonly dialog: Dialog
  readonly contact: string
  readonly caller: boolean
  readonly sign?: Sign | undefined
}

/** Wait before a refresh that failed is tried again, in seconds. */
const refreshRetryS = 10

/** One dialog of a call, early or established. */
export class CallSession implements Session, DialogUser {
  readonly dialog: Dialog
  readonly contact: string
  /** The INVITE, while it is open. */
  earlyUser: EarlyUser | undefined
  readonly #stack: Stack
  readonly #sign: Sign | undefined
  readonly #events = new WaitingEvents<SessionEvents>()
  readonly #offers: OfferExchange
  readonly #timer: SessionTimer
  #confirmed = false
  #ended = false
  #byeReason: string | undefined
  #weRefresh: boolean | undefined
  #peerUpdates = false
  #lastBody: Body | undefined
  #heldAck: ((answer: Body | undefined) => void) | undefined

  constructor({ stack, dialog, contact, caller, sign }: CallSessionInit) {
    this.#stack = stack
    this.dialog = dialog
    this.contact = contact
    this.#sign = sign
    this.#timer = new SessionTimer(
      stack.clock,
      () => void this.#refresh(),
      () => this.#end('session-expired', undefined, 'SIP;cause=408;text="Session expired"'),
    )
    this.#offers = new OfferExchange({
      stack,
      dialog,
      contact,
      sign,
      caller,
      refresher: () => (this.#weRefresh === undefined ? undefined : this.#weRefresh ? 'us' : 'peer'),
      timer: (interval, weRefresh) => this.startTimer(interval, weRefresh),
      offered: offer => {
        const offered = this.#events.listener?.offered
        if (offered === undefined) offer.reject(488)
        else offered.call(this.#events.listener, offer)
      },
      answered: body => this.#events.tell(events => events.answered?.(body)),
      said: body => this.remember(body),
      lost: detail => this.#end('lost', detail, 'SIP;cause=408'),
    })
    stack.dialogs.set(dialog.key, this)
  }

  get callId(): string {
    return this.dialog.callId
  }
  get localTag(): string {
    return this.dialog.localTag
  }
  get remoteTag(): string {
    return this.dialog.remoteTag
  }
  get local(): NameAddr {
    return this.dialog.local
  }
  get remote(): NameAddr {
    return this.dialog.remote
  }
  get remoteTarget(): SipUri {
    return this.dialog.remoteTarget
  }
  get source(): Source {
    return sourceOf(this.dialog.flow)
  }
  get ended(): boolean {
    return this.#ended
  }

  listen(events: SessionEvents): void {
    this.#events.listen(events)
  }

  /** The last body of ours, for refreshes by re-INVITE. */
  remember(body: Body): void {
    this.#lastBody = body
  }

  /** What the peer says of itself in the INVITE or its 2xx. */
  learn(headers: SipRequest['headers']): void {
    this.#peerUpdates = headers.list('allow').includes('UPDATE')
  }

  startTimer(interval: SessionInterval | undefined, weRefresh: boolean): void {
    if (this.#ended) return
    this.#weRefresh = interval === undefined ? undefined : weRefresh
    this.#timer.start(interval, weRefresh)
  }

  /** We answered the INVITE: `resend` goes on until the ACK is there. */
  confirmServer(cseq: number, wantsAnswer: boolean, resend: () => void): void {
    this.#confirmed = true
    const missing = (): void => {
      this.#offers.forgetAck()
      if (this.#ended) this.#sendBye()
      else this.#end('no-ack', 'the ACK never came', 'SIP;cause=408;text="No ACK"')
    }
    this.#offers.waitForAck(new PendingAck(this.#stack.context, { cseq, wantsAnswer }, resend, missing))
  }

  /** The callee answered: sends the ACK, or holds it until `acknowledge` when the answer is ours to make. */
  confirmClient(invite: RequestDraft, sent: (ack: RepeatableRequest) => void, late: boolean): void {
    this.#confirmed = true
    const send = (answer: Body | undefined): void => {
      const draft = this.dialog.draft('ACK', signatureOf(invite), answer, invite.cseq)
      sent(new RepeatableRequest(this.#stack, draft, this.dialog.hop()))
    }
    if (!late) send(undefined)
    else this.#heldAck = send
  }

  acknowledge(answer: Body): void {
    this.#lastBody = answer
    this.#releaseAck(answer)
  }

  reinvite(
    body: Body | undefined,
    options?: InDialogOptions,
    answerTo?: (offer: Body) => Body,
  ): Promise<SipResponse> {
    return this.#offers.send('INVITE', body, options, answerTo)
  }

  update(body: Body | undefined, options?: InDialogOptions): Promise<SipResponse> {
    return this.#offers.send('UPDATE', body, options)
  }

  info(body: Body, options: InDialogOptions = {}): Promise<SipResponse> {
    return this.request('INFO', { ...options, body })
  }

  refer(target: string, options: InDialogOptions = {}): Promise<SipResponse> {
    const headers = { Contact: this.contact, 'Refer-To': target, ...options.headers }
    return this.request('REFER', { ...options, headers })
  }

  notify(event: string, state: string, options: InDialogOptions = {}): Promise<SipResponse> {
    const headers = { Contact: this.contact, Event: event, 'Subscription-State': state, ...options.headers }
    return this.request('NOTIFY', { ...options, headers })
  }

  request(method: string, { headers, body }: InDialogOptions = {}): Promise<SipResponse> {
    const draft = this.dialog.draft(method, headers, body)
    return new Promise(resolve => {
      sendInDialog(this.#stack, this.dialog, draft, this.#sign, (response, _flow, detail) => {
        if (response.code < 200) return
        const { code } = response
        if (code === 481 || code === 408)
          this.#end('lost', detail ?? `${code} ${response.reason}`, 'SIP;cause=408')
        resolve(response)
      })
    })
  }

  bye(reason?: string): void {
    this.#end('local', undefined, reason)
  }

  hangUp(reason: string): void {
    if (this.#confirmed) this.bye(reason)
  }

  /** The early dialog is over without a call. */
  drop(): void {
    this.#stack.dialogs.delete(this.dialog.key)
    if (this.#ended) return
    this.#ended = true
    this.#timer.stop()
    this.#offers.close()
  }

  /** The caller gave up between our answer and its 2xx. */
  giveUp(reason: string | undefined): void {
    this.#over('remote', reason)
    this.#stack.dialogs.delete(this.dialog.key)
  }

  receive(request: SipRequest, flow: Flow): void {
    if (request.method === 'ACK') {
      this.#receiveAck(request)
      return
    }
    if (request.method === 'INVITE' && !this.#ended && this.dialog.accepts(request)) {
      this.#offers.receiveInvite(request, flow)
      return
    }
    const exchange = new ServerExchange(this.#stack, request, flow)
    if (request.method === 'BYE') this.#receiveBye(exchange)
    else if (this.#ended) exchange.reply(481)
    else if (request.method === 'INVITE' || !this.dialog.accepts(request)) exchange.reply(500)
    else this.#dispatch(exchange, flow)
  }

  #receiveAck(request: SipRequest): void {
    if (!this.#offers.receiveAck(request)) return
    if (this.#ended) this.#sendBye()
    else this.#events.tell(events => events.acknowledged?.())
  }

  #receiveBye(exchange: ServerExchange): void {
    exchange.reply(200)
    if (this.#confirmed) this.#over('remote', exchange.request.headers.get('reason'))
    else this.earlyUser?.receive(exchange)
    this.#stack.dialogs.delete(this.dialog.key)
  }

  #dispatch(exchange: ServerExchange, flow: Flow): void {
    const { method } = exchange.request
    if (!this.#confirmed && this.earlyUser?.receive(exchange)) return
    if (method === 'UPDATE') this.#offers.receiveUpdate(exchange, flow)
    else answerInDialog(exchange, this.#events.listener, this.#stack.capabilities)
  }

  async #refresh(): Promise<void> {
    const byUpdate = this.#peerUpdates || this.#lastBody === undefined
    const response = await this.#offers.send(
      byUpdate ? 'UPDATE' : 'INVITE',
      byUpdate ? undefined : this.#lastBody,
    )
    if (this.#ended || response.code < 300) {
      if (!byUpdate && response.code < 300 && response.body !== undefined) {
        const { body } = response
        this.#events.tell(events => events.answered?.(body))
      }
      return
    }
    this.#timer.retry(refreshRetryS)
  }

  #releaseAck(answer: Body | undefined): void {
    const send = this.#heldAck
    this.#heldAck = undefined
    send?.(answer)
  }

  /** Ends the call from our side: the peer is told once its ACK has come (RFC 3261 15). */
  #end(cause: SessionEndCause, detail: string | undefined, reason: string | undefined): void {
    if (this.#ended) return
    this.#byeReason = reason
    this.#releaseAck(undefined)
    const waits = this.#offers.waitsForAck
    this.#over(cause, detail, waits)
    if (!this.#confirmed) this.earlyUser?.abandon()
    else if (!waits) this.#sendBye()
  }

  #over(cause: SessionEndCause, detail: string | undefined, ackComes = false): void {
    if (this.#ended) return
    this.#ended = true
    this.#timer.stop()
    if (!ackComes) this.#offers.close()
    this.#events.tell(events => events.ended({ cause, ...(detail === undefined ? undefined : { detail }) }))
  }

  #sendBye(): void {
    this.#offers.close()
    const headers = this.#byeReason === undefined ? {} : { Reason: this.#byeReason }
    const draft = this.dialog.draft('BYE', headers)
    sendInDialog(this.#stack, this.dialog, draft, this.#sign, response => {
      if (response.code >= 200) this.#stack.dialogs.delete(this.dialog.key)
    })
  }
}
