import type { Target } from '../addresses.ts'
import { formatRequest, type RequestDraft } from '../message/format-message.ts'
import { newBranch } from '../message/tokens.ts'
import type { SipResponse, SipUri } from '../message/types.ts'
import { contactText, viaFor } from '../stack/local-address.ts'
import type { Stack } from '../stack/stack.ts'
import type { ClientEvents, ClientTransaction } from '../transaction/client-transaction.ts'
import { InviteClientTransaction } from '../transaction/invite-client.ts'
import { NonInviteClientTransaction } from '../transaction/non-invite-client.ts'
import type { Flow } from '../transport/flow.ts'
import { madeUpResponse } from './made-up-response.ts'
import type { Sign } from './sign.ts'

/** Above it a request might not fit a datagram on its way (RFC 3261 18.1.1). */
const maxDatagram = 1300

/** Proxies on the way may each want their own, and a nonce may be too old. */
const maxSignatures = 4

export interface ClientRequestOptions {
  readonly draft: RequestDraft
  /** Where it goes next: the first route, else the request-URI. */
  readonly hop: SipUri
  /** Where that is; left out: it is looked up. */
  readonly targets?: readonly Target[] | undefined
  /** A way that is known already: taken as long as it is open, before `hop` is looked up. */
  readonly flow?: Flow | undefined
  readonly door?: number | undefined
  /** User part of the Contact that is added; undefined: no Contact is. */
  readonly contactUser?: string | undefined
  /** A request signed after a challenge, or undefined when there is nothing more to say. */
  readonly sign?: Sign | undefined
}

export interface ClientRequestEvents {
  /** Without a flow when it was made up here; `detail` then says why. */
  response(response: SipResponse, flow: Flow | undefined, detail?: string): void
}

/** One request until its final answer: over every target in turn, by TCP when it is long, once more when it must be signed. */
export class ClientRequest {
  readonly #stack: Stack
  readonly #options: ClientRequestOptions
  readonly #events: ClientRequestEvents
  #draft: RequestDraft
  #targets: Target[] = []
  #transaction: ClientTransaction | undefined
  #branch = ''
  #via = ''
  #answered = false
  #signatures = 0
  #done = false
  #cancelWanted: RequestDraft['headers'] | undefined
  #cancelSent = false
  #stopWaiting: () => void = () => undefined

  constructor(stack: Stack, options: ClientRequestOptions, events: ClientRequestEvents) {
    this.#stack = stack
    this.#options = options
    this.#events = events
    this.#draft = options.draft
    queueMicrotask(() => this.#start())
  }

  /** The request as it was last sent; its CSeq grows with each signature. */
  get draft(): RequestDraft {
    return this.#draft
  }

  /** Takes an INVITE back: with CANCEL once anything was heard, at once when nothing was sent (RFC 3261 9.1). */
  cancel(headers: RequestDraft['headers'] = {}): void {
    if (this.#done || this.#cancelWanted !== undefined) return
    this.#cancelWanted = headers
    if (this.#transaction === undefined) this.#finish(487, 'cancelled before it was sent')
    else if (this.#answered) this.#sendCancel()
  }

  /** Nobody waits for the answer any more. */
  abandon(): void {
    if (this.#done) return
    this.#transaction?.dispose()
    this.#finish(487, 'the call ended')
  }

  #start(): void {
    if (this.#done) return
    const { flow, hop } = this.#options
    if (flow?.open) {
      this.#send(flow)
      return
    }
    const targets = this.#options.targets ?? this.#stack.locate(hop)
    if (Array.isArray(targets)) this.#attempt(targets)
    else
      void Promise.resolve(targets).then(
        found => this.#attempt(found),
        (error: Error) => this.#finish(503, error.message),
      )
  }

  #attempt(targets: readonly Target[]): void {
    this.#targets = [...targets]
    this.#tryNext(503, `${this.#options.hop.host} leads nowhere`)
  }

  /** The next target, or the failure of the last one. */
  #tryNext(code: number, detail: string): void {
    if (this.#done) return
    const target = this.#targets.shift()
    if (target === undefined) this.#finish(code, detail)
    else this.#connect(target, flow => this.#send(flow, target))
  }

  #connect(target: Target, use: (flow: Flow) => void): void {
    const flow = this.#stack.transports.flowTo(target, this.#options.door)
    if (!(flow instanceof Promise)) {
      use(flow)
      return
    }
    flow.then(
      found => {
        if (!this.#done) use(found)
      },
      (error: Error) => {
        this.#tryNext(503, `${target.transport} ${target.ip}:${target.port}: ${error.message}`)
      },
    )
  }

  /** A long request goes by TCP, and by UDP after all when nobody takes it there. `home` is the flow the Contact names. */
  #send(flow: Flow, target?: Target): void {
    this.#prepare(flow, flow)
    const bytes = this.#format()
    if (flow.reliable || bytes.length <= maxDatagram) {
      this.#transmit(flow, bytes)
      return
    }
    const peer: Target = { ip: flow.ip, port: flow.port, name: target?.name ?? flow.ip, transport: 'udp' }
    void this.#stack.transports.longWay(peer, flow.door).then(stream => {
      if (this.#done) return
      if (stream !== undefined) this.#prepare(stream, flow)
      this.#transmit(stream ?? flow, stream === undefined ? bytes : this.#format())
    })
  }

  #prepare(flow: Flow, home: Flow): void {
    this.#branch = newBranch()
    this.#via = viaFor(this.#stack, flow, this.#branch)
    const { contactUser } = this.#options
    if (contactUser === undefined) return
    const Contact = contactText(this.#stack, home, contactUser, this.#draft.uri.startsWith('sips:'))
    this.#draft = { ...this.#draft, headers: { ...this.#draft.headers, Contact } }
  }

  #format(draft = this.#draft): Buffer {
    return formatRequest(draft, this.#via, this.#stack.userAgent)
  }

  #transmit(flow: Flow, bytes: Buffer): void {
    const { table, context } = this.#stack
    if (table.clientFull) {
      this.#finish(503, 'too many requests of our own are open')
      return
    }
    const { method } = this.#draft
    const branch = this.#branch
    const events = this.#eventsOf(flow, () => table.removeClient(branch, method))
    const transaction: ClientTransaction =
      method === 'INVITE'
        ? new InviteClientTransaction(context, flow, bytes, response => this.#ackOf(response), events)
        : new NonInviteClientTransaction(context, flow, bytes, events)
    this.#transaction = transaction
    table.addClient(branch, method, transaction)
  }

  #eventsOf(flow: Flow, terminated: () => void): ClientEvents {
    const where = `${flow.transport} ${flow.ip}:${flow.port}`
    return {
      response: response => this.#receive(response, flow),
      timedOut: () =>
        this.#tryNext(408, `no answer from ${where} within ${(64 * this.#stack.times.t1) / 1e6} s`),
      lost: reason => this.#tryNext(503, `${where}: ${reason}`),
      terminated,
    }
  }

  #ackOf(response: SipResponse): Buffer {
    const { uri, route, from, callId, cseq } = this.#draft
    const to = response.headers.get('to') ?? ''
    return this.#format({ method: 'ACK', uri, route, from, to, callId, cseq, headers: {} })
  }

  #receive(response: SipResponse, flow: Flow): void {
    if (response.code < 200) this.#answered = true
    if (response.code < 200 && this.#cancelWanted !== undefined) this.#sendCancel()
    if (response.code >= 300 && this.#again(response)) return
    if (response.code >= 200) this.#settle()
    this.#events.response(response, flow)
  }

  /** Whether the refusal leads to another try. */
  #again(response: SipResponse): boolean {
    const { code } = response
    if (this.#cancelWanted !== undefined || this.#done) return false
    if (code === 503 && this.#targets.length > 0 && !this.#answered) {
      this.#tryNext(503, response.reason)
      return true
    }
    const challenged = (code === 401 || code === 407) && this.#signatures++ < maxSignatures
    const signed = challenged ? this.#options.sign?.(response, this.#draft) : undefined
    if (signed === undefined) return false
    this.#draft = signed
    this.#answered = false
    this.#send(this.#transaction!.flow)
    return true
  }

  #sendCancel(): void {
    if (this.#cancelSent) return
    this.#cancelSent = true
    const { uri, route, from, to, callId, cseq } = this.#draft
    const headers = this.#cancelWanted ?? {}
    const bytes = this.#format({ method: 'CANCEL', uri, route, from, to, callId, cseq, headers })
    const { table, context, clock, times } = this.#stack
    const branch = this.#branch
    const cancel = new NonInviteClientTransaction(context, this.#transaction!.flow, bytes, {
      response: () => undefined,
      timedOut: () => undefined,
      lost: () => undefined,
      terminated: () => table.removeClient(branch, 'CANCEL'),
    })
    table.addClient(branch, 'CANCEL', cancel)
    this.#stopWaiting = clock.after(64 * times.t1, () => {
      this.#transaction?.dispose()
      this.#finish(487, 'cancelled, and no final answer came')
    })
  }

  #settle(): void {
    this.#done = true
    this.#stopWaiting()
  }

  #finish(code: number, detail: string): void {
    if (this.#done) return
    this.#settle()
    const final = this.#cancelWanted === undefined ? code : 487
    this.#events.response(madeUpResponse(this.#draft, final), undefined, detail)
  }
}
