import { CallSession } from '../dialog/call-session.ts'
import { Dialog } from '../dialog/dialog.ts'
import { askForTimer, grantedTimer, minimumOf } from '../dialog/session-timer.ts'
import type { RequestDraft } from '../message/format-message.ts'
import { formatNameAddr, parseNameAddr, withTag } from '../message/name-addr.ts'
import { newCallId, newTag } from '../message/tokens.ts'
import type { NameAddr, SipResponse } from '../message/types.ts'
import { formatUri } from '../message/uri.ts'
import type { InviteOptions, OutgoingInvite, OutgoingInviteEvents } from '../outgoing-invite.ts'
import { contactText } from '../stack/local-address.ts'
import type { Stack } from '../stack/stack.ts'
import type { Flow } from '../transport/flow.ts'
import { ClientRequest } from './client-request.ts'
import { ReliableReceiver } from './reliable-receiver.ts'
import { toAddress } from './request-draft.ts'
import type { RepeatableRequest } from './send-once.ts'
import type { Sign } from './sign.ts'

interface Fork {
  readonly session: CallSession
  readonly reliable: ReliableReceiver
  /** Set with its 2xx. */
  ack: RepeatableRequest | undefined
  accepted: boolean
}

const maxTimerTries = 3

/** The client side of a call until it is answered (RFC 3261 13.2). */
export class OutgoingCall implements OutgoingInvite {
  readonly callId = newCallId()
  readonly #stack: Stack
  readonly #options: InviteOptions
  readonly #events: OutgoingInviteEvents
  readonly #sign: Sign | undefined
  readonly #over: () => void
  readonly #forks = new Map<string, Fork>()
  readonly #from: string
  readonly #to: string
  #request: ClientRequest
  #minimumS: number
  #timerTries = 0
  #cancelled = false
  #decided = false

  /** `over` is called when the INVITE needs nobody any more. */
  constructor(
    stack: Stack,
    options: InviteOptions,
    events: OutgoingInviteEvents,
    sign: Sign | undefined,
    over: () => void,
  ) {
    this.#stack = stack
    this.#options = options
    this.#events = events
    this.#sign = sign
    this.#over = over
    this.#minimumS = stack.sessionTimer.minimumS
    this.#from = formatNameAddr(withTag(options.from, newTag()))
    this.#to = formatNameAddr(toAddress(options))
    this.#request = this.#send(1)
  }

  cancel(reason?: string): void {
    this.#cancelled = true
    this.#request.cancel(reason === undefined ? {} : { Reason: reason })
  }

  #send(cseq: number): ClientRequest {
    const { uri, route = [], door, targets } = this.#options
    return new ClientRequest(
      this.#stack,
      {
        draft: this.#draft(cseq),
        hop: route[0] ?? uri,
        targets,
        door,
        contactUser: this.#options.from.uri.user,
        sign: this.#sign,
      },
      { response: (response, flow, detail) => this.#receive(response, flow, detail) },
    )
  }

  #draft(cseq: number): RequestDraft {
    const { uri, route = [], headers, body, sessionExpiresS } = this.#options
    const { sessionTimer, capabilities } = this.#stack
    const expiresS = sessionExpiresS ?? sessionTimer.expiresS
    const timer = askForTimer({ expiresS, minimumS: this.#minimumS })
    return {
      method: 'INVITE',
      uri: formatUri(uri),
      route: route.map(hop => `<${formatUri(hop)}>`),
      from: this.#from,
      to: this.#to,
      callId: this.callId,
      cseq,
      headers: { ...capabilities, ...timer, ...headers },
      body,
    }
  }

  #receive(response: SipResponse, flow: Flow | undefined, detail: string | undefined): void {
    const { code } = response
    if (code >= 300) this.#refused(response, detail)
    else if (flow !== undefined && code > 100 && (code >= 200 || !this.#decided)) {
      const fork = this.#fork(response, flow)
      if (fork === undefined) return
      if (code < 200) this.#provisional(fork, response)
      else this.#accepted(fork, response, flow)
    }
  }

  /** Each To tag is a phone of its own (RFC 3261 12.1.2). Without one a provisional response makes no dialog. */
  #fork(response: SipResponse, flow: Flow): Fork | undefined {
    const tag = response.to.params.get('tag')
    if (tag === undefined) {
      if (response.code < 200) this.#tell(response, '')
      return undefined
    }
    const known = this.#forks.get(tag)
    if (known !== undefined) return known
    const stack = this.#stack
    const dialog = Dialog.ofClient(this.#request.draft, response, flow)
    const contact = contactText(stack, flow, this.#options.from.uri.user, this.#options.uri.scheme === 'sips')
    const session = new CallSession({ stack, dialog, contact, caller: true, sign: this.#sign })
    const reliable = new ReliableReceiver(stack, dialog, this.#sign, this.#request.draft.cseq)
    const fork: Fork = { session, reliable, ack: undefined, accepted: false }
    this.#forks.set(tag, fork)
    return fork
  }

  #provisional(fork: Fork, response: SipResponse): void {
    fork.session.learn(response.headers)
    const late = this.#options.body === undefined
    const taken = fork.reliable.receive(response, late)
    if (taken === 'again') return
    this.#tell(response, fork.session.remoteTag, taken === 'plain' ? undefined : taken)
  }

  #tell(
    response: SipResponse,
    fork: string,
    answer?: (body: NonNullable<SipResponse['body']>) => void,
  ): void {
    if (this.#cancelled) return
    this.#events.provisional?.({
      response,
      fork,
      ...(response.body === undefined ? undefined : { body: response.body }),
      ...(answer === undefined ? undefined : { answer }),
    })
  }

  /** A 2xx that comes again wants its ACK again; one of another fork, or after CANCEL, is hung up at once. */
  #accepted(fork: Fork, response: SipResponse, flow: Flow): void {
    if (fork.accepted) {
      fork.ack?.again()
      return
    }
    fork.accepted = true
    const { session } = fork
    session.dialog.confirm(response, flow)
    session.learn(response.headers)
    const wanted = !this.#decided && !this.#cancelled
    const late = this.#options.body === undefined && !fork.reliable.answered
    const sent = (ack: RepeatableRequest): void => {
      fork.ack = ack
    }
    session.confirmClient(this.#request.draft, sent, late && wanted)
    if (wanted) this.#win(session, response)
    else {
      session.bye('SIP;cause=487;text="Another one answered, or the call was cancelled"')
      if (!this.#decided) this.#reject(response, 487, 'Request Terminated')
    }
  }

  #win(session: CallSession, response: SipResponse): void {
    this.#decide()
    if (this.#options.body !== undefined) session.remember(this.#options.body)
    const interval = grantedTimer(response.headers)
    session.startTimer(interval, interval?.refresher === 'uac')
    const { body } = response
    this.#events.accepted(session, { response, ...(body === undefined ? undefined : { body }) })
  }

  #refused(response: SipResponse, detail: string | undefined): void {
    if (this.#decided) return
    if (response.code === 422 && !this.#cancelled && this.#timerTries++ < maxTimerTries) {
      this.#minimumS = Math.max(this.#minimumS, minimumOf(response.headers))
      this.#dropForks()
      this.#request = this.#send(this.#request.draft.cseq + 1)
      return
    }
    if (this.#cancelled) this.#reject(response, 487, 'Request Terminated', detail)
    else this.#reject(response, response.code, response.reason, detail)
  }

  #reject(response: SipResponse, code: number, reason: string, detail?: string): void {
    this.#decide()
    const retryAfterS = Number.parseInt(response.headers.get('retry-after') ?? '', 10)
    this.#events.rejected({
      code,
      reason,
      response,
      contacts: code >= 300 && code < 400 ? contactsOf(response) : [],
      ...(Number.isNaN(retryAfterS) ? undefined : { retryAfterS }),
      ...(detail === undefined ? undefined : { detail }),
    })
  }

  #decide(): void {
    this.#decided = true
    this.#over()
    this.#dropForks()
  }

  /** Early dialogs end; a 2xx that still comes from one begins it anew. */
  #dropForks(): void {
    for (const [tag, fork] of this.#forks) {
      if (fork.accepted) continue
      fork.session.drop()
      this.#forks.delete(tag)
    }
  }
}

/** Best first (RFC 3261 20.10: the parameter q). */
const contactsOf = ({ headers }: SipResponse): NameAddr[] =>
  headers
    .list('contact')
    .map(parseNameAddr)
    .filter(contact => contact !== undefined)
    .sort((a, b) => Number(b.params.get('q') ?? 1) - Number(a.params.get('q') ?? 1))
