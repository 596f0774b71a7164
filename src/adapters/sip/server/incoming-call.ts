import type { Source } from '../addresses.ts'
import { CallSession } from '../dialog/call-session.ts'
import { Dialog } from '../dialog/dialog.ts'
import { grantHeaders, grantTimer } from '../dialog/session-timer.ts'
import { WaitingEvents } from '../dialog/waiting-events.ts'
import type { IncomingInvite, IncomingInviteEvents, ProgressOptions } from '../incoming-invite.ts'
import type { ResponseDraft } from '../message/format-message.ts'
import { newTag } from '../message/tokens.ts'
import type { Body, ExtraHeaders, SipRequest } from '../message/types.ts'
import { contactText } from '../stack/local-address.ts'
import type { Stack } from '../stack/stack.ts'
import { InviteServerTransaction } from '../transaction/invite-server.ts'
import type { Flow } from '../transport/flow.ts'
import { answerFlow } from './answer-flow.ts'
import { ReliableResponses } from './reliable-responses.ts'
import type { ServerExchange } from './server-exchange.ts'

/** Proxies give up on an INVITE that is only ringing after three minutes; a provisional response each minute keeps it (RFC 3261 13.3.1.1). */
const keepRingingUs = 60_000_000

const reliabilityOf = ({ headers }: SipRequest): IncomingInvite['reliable'] =>
  headers.names('require', '100rel') ? 'required' : headers.names('supported', '100rel') ? 'supported' : 'no'

/** The server side of a call until it is answered (RFC 3261 13.3). */
export class IncomingCall implements IncomingInvite {
  readonly request: SipRequest
  readonly source: Source
  declare readonly user?: string
  declare readonly offer?: Body
  readonly reliable: IncomingInvite['reliable']
  state: IncomingInvite['state'] = 'ringing'
  onDecided: () => void = () => undefined
  readonly #stack: Stack
  readonly #flow: Flow
  readonly #transaction: InviteServerTransaction
  readonly #events = new WaitingEvents<IncomingInviteEvents>()
  readonly #reliables: ReliableResponses
  readonly #toTag = newTag()
  readonly #contact: string
  #session: CallSession | undefined
  #stopKeeping: () => void = () => undefined
  /** Our answer, or offer, that went out reliably: a 2xx need not repeat it. */
  #said: Body | undefined
  /** The caller's answer came with a PRACK. */
  #hasAnswer = false

  constructor(stack: Stack, request: SipRequest, flow: Flow, source: Source, user: string | undefined) {
    this.#stack = stack
    this.request = request
    this.#flow = flow
    this.source = source
    if (user !== undefined) this.user = user
    if (request.body !== undefined) this.offer = request.body
    this.reliable = reliabilityOf(request)
    this.#contact = contactText(stack, flow, request.uri.user, request.uri.scheme === 'sips')
    this.#transaction = new InviteServerTransaction(stack.context, answerFlow(stack, request.via, flow), {
      cancelled: reason => this.#cancelled(reason),
      terminated: () => stack.table.removeServer(request),
    })
    this.#reliables = new ReliableResponses(stack.context, request.cseq, () => this.#unacknowledged())
    stack.table.addServer(request, this.#transaction)
    this.#transaction.respond(100, this.#format({ code: 100 }))
  }

  listen(events: IncomingInviteEvents): void {
    this.#events.listen(events)
  }

  progress(code: number, options: ProgressOptions = {}): void {
    if (this.state !== 'ringing') return
    const { reason, headers, body } = options
    const reliable = this.#isReliable(options)
    const session = this.#earlySession()
    if (!reliable) {
      this.#provisional({ code, reason, headers: this.#headers(headers), body })
      return
    }
    if (body !== undefined) {
      this.#said = body
      session.remember(body)
    }
    this.#reliables.send(extra =>
      this.#provisional({ code, reason, headers: { ...this.#headers(headers), ...extra }, body }),
    )
  }

  accept(body: Body, options: { readonly headers?: ExtraHeaders } = {}): CallSession | undefined {
    if (this.state !== 'ringing') return undefined
    const session = this.#earlySession()
    this.#decide('accepted')
    // An offer or answer in a reliable response that is not acknowledged holds the 2xx back (RFC 3262 3).
    this.#reliables.whenAcknowledged(() => this.#accept(session, body, options.headers))
    return session
  }

  reject(code: number, options: { readonly reason?: string; readonly headers?: ExtraHeaders } = {}): void {
    if (this.state !== 'ringing') return
    this.#refuse('rejected', { code, ...options })
  }

  /** The gateway shuts down. */
  hangUp(): void {
    this.reject(503, { headers: { 'Retry-After': '10' } })
  }

  #isReliable({ reliable, body }: ProgressOptions): boolean {
    if (this.reliable === 'no') return false
    return this.reliable === 'required' || (reliable ?? body !== undefined)
  }

  #earlySession(): CallSession {
    if (this.#session !== undefined) return this.#session
    const dialog = Dialog.ofServer(this.request, this.#toTag, this.#flow)
    const session = new CallSession({ stack: this.#stack, dialog, contact: this.#contact, caller: false })
    session.learn(this.request.headers)
    session.earlyUser = {
      receive: exchange => this.#early(exchange),
      abandon: () => this.#refuse('rejected', { code: 480 }),
    }
    this.#session = session
    return session
  }

  /** What comes within the early dialog. */
  #early(exchange: ServerExchange): boolean {
    const { method, body, headers } = exchange.request
    if (method === 'PRACK') this.#prack(exchange)
    else if (method === 'BYE') this.#cancelled(headers.get('reason'))
    else if (method === 'UPDATE' && body !== undefined) this.#refuseEarlyOffer(exchange)
    else return false
    return true
  }

  /**
   * 491 while an offer of ours is open, 500 while the caller's is, and 504 when both are over: what is heard before the
   * answer is not changed, and the call goes on as it was (RFC 3311 5.2).
   */
  #refuseEarlyOffer(exchange: ServerExchange): void {
    if (this.offer === undefined && this.#said !== undefined && !this.#hasAnswer) exchange.reply(491)
    else if (this.#said !== undefined) exchange.reply(504)
    else {
      const wait = String(Math.floor(this.#stack.random() * 11))
      exchange.reply(500, { headers: { 'Retry-After': wait } })
    }
  }

  #prack(exchange: ServerExchange): void {
    const { headers, body } = exchange.request
    const proceed = this.#reliables.receive(headers)
    if (proceed === undefined) {
      exchange.reply(481)
      return
    }
    exchange.reply(200)
    if (body !== undefined && this.offer === undefined) {
      this.#hasAnswer = true
      this.#events.tell(events => events.answered?.(body))
    }
    proceed()
  }

  #accept(session: CallSession, body: Body, extra: ExtraHeaders | undefined): void {
    const { request } = this
    const interval = grantTimer(request.headers, this.#stack.sessionTimer)
    const headers = { ...this.#headers(extra), ...grantHeaders(interval) }
    const said = this.#said
    const answer = said === undefined ? body : this.offer === undefined ? undefined : said
    const bytes = this.#format({ code: 200, headers, body: answer })
    this.#transaction.respond(200, bytes)
    if (answer !== undefined) session.remember(answer)
    const wantsAnswer = this.offer === undefined && said === undefined
    session.confirmServer(request.cseq, wantsAnswer, () => this.#transaction.respond(200, bytes))
    session.startTimer(interval, interval?.refresher === 'uas')
  }

  #cancelled(reason: string | undefined): void {
    const accepted = this.state === 'accepted'
    if (this.state !== 'ringing' && !(accepted && this.#reliables.waiting)) return
    if (accepted) this.#session?.giveUp(reason)
    this.#refuse('cancelled', { code: 487 })
    this.#events.tell(events => events.cancelled(reason))
  }

  #unacknowledged(): void {
    if (this.#transaction.state !== 'proceeding') return
    this.#session?.giveUp('a provisional response was never acknowledged')
    this.#refuse('rejected', { code: 504 })
    this.#events.tell(events => events.failed?.('a reliable provisional response was never acknowledged'))
  }

  #refuse(state: 'rejected' | 'cancelled', draft: ResponseDraft): void {
    this.#decide(state)
    this.#reliables.close()
    this.#transaction.respond(draft.code, this.#format(draft))
    this.#session?.drop()
  }

  #decide(state: IncomingInvite['state']): void {
    this.state = state
    this.#stopKeeping()
    this.onDecided()
  }

  /** Returns how to send it again. */
  #provisional(draft: ResponseDraft): () => void {
    const bytes = this.#format(draft)
    const send = (): void => this.#transaction.respond(draft.code, bytes)
    send()
    this.#stopKeeping()
    if (this.state === 'ringing') {
      this.#stopKeeping = this.#stack.clock.after(keepRingingUs, () => this.#provisional(draft))
    }
    return send
  }

  #headers(extra: ExtraHeaders = {}): ExtraHeaders {
    const routes = this.request.headers.lines('record-route')
    const recorded = routes.length === 0 ? {} : { 'Record-Route': routes }
    return { ...recorded, Contact: this.#contact, ...this.#stack.capabilities, ...extra }
  }

  #format(draft: ResponseDraft): Buffer {
    return this.#stack.formatResponse(this.request.headers, { toTag: this.#toTag, ...draft })
  }
}
