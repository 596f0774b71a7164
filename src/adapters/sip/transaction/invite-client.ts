import type { SipResponse } from '../message/types.ts'
import type { Flow } from '../transport/flow.ts'
import { Repeater, type TransactionContext, timerD } from './times.ts'

export interface ClientEvents {
  /** Provisional and final responses; of an INVITE each 2xx, retransmissions included, for 64 T1 (RFC 6026). */
  response(response: SipResponse): void
  /** Timer B or F: nothing came for 64 T1. */
  timedOut(): void
  /** The connection is gone. */
  lost(reason: string): void
  /** The transaction is forgotten. */
  terminated(): void
}

/** RFC 3261 17.1.1 with RFC 6026: timers A, B, D and M. */
export class InviteClientTransaction {
  state: 'calling' | 'proceeding' | 'completed' | 'accepted' | 'terminated' = 'calling'
  readonly flow: Flow
  readonly #context: TransactionContext
  readonly #events: ClientEvents
  readonly #ackFor: (response: SipResponse) => Buffer
  readonly #resend: Repeater | undefined
  #cancelTimer: () => void
  #ack: Buffer | undefined

  /** `ackFor` makes the ACK of a response other than 2xx, with the Via of the request (17.1.1.3). */
  constructor(
    context: TransactionContext,
    flow: Flow,
    request: Buffer,
    ackFor: (response: SipResponse) => Buffer,
    events: ClientEvents,
  ) {
    const { clock, times } = context
    this.#context = context
    this.flow = flow
    this.#events = events
    this.#ackFor = ackFor
    flow.send(request)
    this.#resend = flow.reliable
      ? undefined
      : new Repeater(context, times.t1, Number.POSITIVE_INFINITY, () => flow.send(request))
    this.#cancelTimer = clock.after(64 * times.t1, () => this.#timerB())
  }

  receive(response: SipResponse): void {
    const { state } = this
    if (response.code < 200) this.#provisional(response)
    else if (response.code < 300) this.#accepted(response)
    else if (state === 'calling' || state === 'proceeding') this.#rejected(response)
    else if (state === 'completed') this.#sendAck(response)
  }

  /** The connection broke. */
  fail(reason: string): void {
    if (this.state !== 'calling' && this.state !== 'proceeding') return
    this.#terminate()
    this.#events.lost(reason)
  }

  /** Forgets everything without a word. */
  dispose(): void {
    this.#terminate()
  }

  #provisional(response: SipResponse): void {
    if (this.state !== 'calling' && this.state !== 'proceeding') return
    if (this.state === 'calling') this.#enter('proceeding', undefined)
    this.#events.response(response)
  }

  #accepted(response: SipResponse): void {
    if (this.state === 'completed' || this.state === 'terminated') return
    if (this.state !== 'accepted') this.#enter('accepted', 64 * this.#context.times.t1)
    this.#events.response(response)
  }

  #rejected(response: SipResponse): void {
    this.#enter('completed', this.flow.reliable ? 0 : timerD)
    this.#sendAck(response)
    this.#events.response(response)
  }

  #sendAck(response: SipResponse): void {
    this.#ack ??= this.#ackFor(response)
    this.flow.send(this.#ack)
  }

  #timerB(): void {
    if (this.state !== 'calling') return
    this.#terminate()
    this.#events.timedOut()
  }

  /** Timer M or D ends the state after `forUs`; a provisional one lasts as long as the callee likes. */
  #enter(state: InviteClientTransaction['state'], forUs: number | undefined): void {
    this.state = state
    this.#resend?.stop()
    this.#cancelTimer()
    if (forUs === 0) queueMicrotask(() => this.#terminate())
    else if (forUs !== undefined)
      this.#cancelTimer = this.#context.clock.after(forUs, () => this.#terminate())
  }

  #terminate(): void {
    if (this.state === 'terminated') return
    this.state = 'terminated'
    this.#resend?.stop()
    this.#cancelTimer()
    this.#events.terminated()
  }
}
