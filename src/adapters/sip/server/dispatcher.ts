import type { Source } from '../addresses.ts'
import type { DigestServer } from '../digest/server.ts'
import { isRequest, type Malformed, parseMessage } from '../message/parse-message.ts'
import type { SipRequest, SipResponse } from '../message/types.ts'
import { stampVia } from '../message/via.ts'
import type { Verdict } from '../request.ts'
import type { SignallingOptions } from '../signalling.ts'
import { dialogKey, type Stack, sourceOf } from '../stack/stack.ts'
import type { Flow } from '../transport/flow.ts'
import { inspect, inspectInside, type Refusal } from './admission.ts'
import type { Allowances } from './allowances.ts'
import { IncomingCall } from './incoming-call.ts'
import type { Refusals } from './refusals.ts'
import { ServerExchange } from './server-exchange.ts'
import { replyStateless } from './stateless.ts'

export interface DispatcherOptions {
  readonly stack: Stack
  readonly refusals: Refusals
  readonly allowances: Allowances
  readonly digest: DigestServer
  readonly screen: SignallingOptions['screen']
  readonly onInvite: (call: IncomingCall) => void
  readonly onRequest: SignallingOptions['onRequest']
  /** Methods taken outside a call. */
  readonly methods: ReadonlySet<string>
}

const commonAlgorithms = ['MD5'] as const

type Challenge = Extract<Verdict, { action: 'challenge' }>

/** Brings each message to whom it is for: a transaction, a dialog, or somebody new. */
export class Dispatcher {
  readonly #options: DispatcherOptions
  readonly #stack: Stack
  #closing = false
  received = 0
  malformed = 0

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#stack = options.stack
  }

  /** Nothing new is let in any more. */
  shut(): void {
    this.#closing = true
  }

  /** A fault of ours in one message ends neither the process nor the other calls. */
  receive(bytes: Buffer, flow: Flow): void {
    this.received++
    try {
      this.#receive(bytes, flow)
    } catch (error) {
      this.#stack.log.error(
        { err: error, peer: `${flow.ip}:${flow.port}` },
        'a SIP message could not be handled',
      )
    }
  }

  #receive(bytes: Buffer, flow: Flow): void {
    const message = parseMessage(bytes)
    if ('malformed' in message) this.#receiveMalformed(message, flow)
    else if (isRequest(message)) this.#receiveRequest(message, flow)
    else this.#receiveResponse(message)
  }

  #receiveMalformed({ malformed, code, headers }: Malformed, flow: Flow): void {
    this.malformed++
    this.#options.refusals.add('malformed', flow, malformed)
    if (headers === undefined || !this.#options.allowances.admitMalformed(flow)) return
    replyStateless(this.#stack, { headers }, flow, { code, reason: malformed })
  }

  /** Responses with more than one Via are not for us (RFC 3261 8.1.3.3). */
  #receiveResponse(response: SipResponse): void {
    if (response.headers.list('via').length === 1) this.#stack.table.clientOf(response)?.receive(response)
  }

  #receiveRequest(request: SipRequest, flow: Flow): void {
    const { headers, via, method } = request
    headers.setFirst('via', stampVia(headers.get('via') ?? '', via, flow.ip, flow.port))
    if (method === 'ACK') this.#receiveAck(request, flow)
    else {
      const transaction = this.#stack.table.serverOf(request)
      if (transaction !== undefined) transaction.receiveAgain()
      else if (method === 'CANCEL') this.#receiveCancel(request, flow)
      else if (request.to.params.has('tag')) this.#receiveInside(request, flow)
      else this.#receiveNew(request, flow)
    }
  }

  #dialogOf({ callId, to, from }: SipRequest) {
    return this.#stack.dialogs.get(
      dialogKey(callId, to.params.get('tag') ?? '', from.params.get('tag') ?? ''),
    )
  }

  #receiveAck(request: SipRequest, flow: Flow): void {
    const invite = this.#stack.table.inviteOf(request)
    if (invite !== undefined && invite.state !== 'accepted') invite.receiveAck()
    else this.#dialogOf(request)?.receive(request, flow)
  }

  #receiveCancel(request: SipRequest, flow: Flow): void {
    const invite = this.#stack.table.inviteOf(request)
    if (invite === undefined) {
      this.#refuse(request, flow, 'unknown-dialog', 481, 'CANCEL of nothing')
      return
    }
    replyStateless(this.#stack, request, flow, { code: 200 })
    invite.cancel(request.headers.get('reason'))
  }

  #receiveInside(request: SipRequest, flow: Flow): void {
    const dialog = this.#dialogOf(request)
    if (dialog === undefined)
      this.#refuse(request, flow, 'unknown-dialog', 481, `${request.method} of no call of ours`)
    else if (this.#stack.table.serverFull && request.method !== 'BYE') {
      this.#refuse(request, flow, 'full', 503, 'all server transactions are taken')
    } else {
      const refusal = inspectInside(request, this.#stack)
      if (refusal === undefined) dialog.receive(request, flow)
      else this.#refuseAs(request, flow, refusal)
    }
  }

  #receiveNew(request: SipRequest, flow: Flow): void {
    if (!this.#withinLimits(request, flow)) return
    const { stack, methods } = this.#options
    const refusal = inspect(request, stack, methods)
    if (refusal !== undefined) this.#refuseAs(request, flow, refusal)
    else if (request.method === 'OPTIONS' && !flow.local.oursOnly) this.#admit(request, flow, undefined)
    else this.#screen(request, flow)
  }

  #withinLimits(request: SipRequest, flow: Flow): boolean {
    const { allowances, refusals } = this.#options
    const ruling = allowances.admit(request, flow)
    if (ruling !== 'admit') {
      refusals.add('rate', flow, allowances.describe(request, flow))
      if (!this.#askAnyway(request, flow) && ruling === 'answer') this.#unavailable(request, flow)
      return false
    }
    if (!this.#closing && !this.#stack.table.serverFull) return true
    this.#options.refusals.add('full', flow, this.#closing ? 'shutdown' : 'all server transactions are taken')
    this.#unavailable(request, flow)
    return false
  }

  /** Whoever can sign is not kept out by those who write its address: it is asked to, without a trace. */
  #askAnyway(request: SipRequest, flow: Flow): boolean {
    const { allowances, screen } = this.#options
    if (!allowances.mayAsk(request, flow)) return false
    const verdict = screen(request, this.#sourceOf(request, flow))
    if (verdict.action !== 'challenge') return false
    this.#ask(request, flow, verdict)
    return true
  }

  #unavailable(request: SipRequest, flow: Flow): void {
    replyStateless(this.#stack, request, flow, { code: 503, headers: { 'Retry-After': '5' } })
  }

  #screen(request: SipRequest, flow: Flow): void {
    const verdict = this.#options.screen(request, this.#sourceOf(request, flow))
    if (verdict.action === 'admit') this.#admit(request, flow, undefined)
    else if (verdict.action === 'challenge' && verdict.asksOnly) this.#ask(request, flow, verdict)
    else if (verdict.action === 'challenge') this.#challenge(request, flow, verdict)
    else {
      const { code = 0, reason, headers } = verdict.action === 'reject' ? verdict : {}
      // Why is for those to tell who refused it.
      this.#options.refusals.counts.screen++
      if (code > 0) replyStateless(this.#stack, request, flow, { code, reason, headers })
    }
  }

  /** 401 without a trace until the signature is right; 403 for a wrong one. */
  #challenge(request: SipRequest, flow: Flow, challenge: Challenge): void {
    const { refusals, digest } = this.#options
    const { realm, secretOf, algorithms = commonAlgorithms } = challenge
    const verdict = digest.verify(request, realm, secretOf, algorithms)
    if (verdict.result === 'signed') this.#admit(request, flow, verdict.user)
    else if (verdict.result === 'wrong') {
      const detail = `${request.method} ${request.rawUri} as '${verdict.user}'`
      refusals.add('wrong-password', this.#sourceOf(request, flow), detail)
      replyStateless(this.#stack, request, flow, { code: 403 })
    } else this.#ask(request, flow, challenge, verdict.result === 'stale')
  }

  #ask(
    request: SipRequest,
    flow: Flow,
    { realm, algorithms = commonAlgorithms }: Challenge,
    isStale = request.headers.has('authorization'),
  ): void {
    const { refusals, digest } = this.#options
    refusals.counts.unsigned++
    const headers = { 'WWW-Authenticate': digest.challenge(realm, algorithms, isStale, flow.ip) }
    replyStateless(this.#stack, request, flow, { code: 401, headers })
  }

  #sourceOf(request: SipRequest, flow: Flow): Source {
    return { ...sourceOf(flow), isProven: this.#options.allowances.isProven(request, flow) }
  }

  #admit(request: SipRequest, flow: Flow, user: string | undefined): void {
    if (request.method === 'INVITE') {
      const source = this.#sourceOf(request, flow)
      this.#options.onInvite(new IncomingCall(this.#stack, request, flow, source, user))
      return
    }
    if (request.method === 'OPTIONS') {
      replyStateless(this.#stack, request, flow, { code: 200, headers: this.#stack.capabilities })
      return
    }
    const exchange = new ServerExchange(this.#stack, request, flow, undefined, user)
    if (this.#options.onRequest === undefined) exchange.reply(405, { headers: this.#stack.capabilities })
    else this.#options.onRequest(exchange)
  }

  #refuseAs(request: SipRequest, flow: Flow, refusal: Refusal): void {
    this.#options.refusals.add(refusal.cause, flow, refusal.detail)
    replyStateless(this.#stack, request, flow, refusal)
  }

  #refuse(
    request: SipRequest,
    flow: Flow,
    cause: 'unknown-dialog' | 'full',
    code: number,
    detail: string,
  ): void {
    this.#options.refusals.add(cause, flow, detail)
    replyStateless(this.#stack, request, flow, { code })
  }
}
