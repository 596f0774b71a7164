import type { SipResponse } from '../message/types.ts'
import type { Flow } from '../transport/flow.ts'
import { type ClientEvents, ClientTransaction } from './client-transaction.ts'
import { type TransactionContext, timerD } from './times.ts'

type State = 'calling' | 'proceeding' | 'completed' | 'accepted'

/** RFC 3261 17.1.1 with RFC 6026: timers A, B, D and M. */
export class InviteClientTransaction extends ClientTransaction<State> {
  readonly #ackFor: (response: SipResponse) => Buffer
  #ack: Buffer | undefined

  /** `ackFor` makes the ACK of a response other than 2xx, with the Via of the request (17.1.1.3). */
  constructor(
    context: TransactionContext,
    flow: Flow,
    request: Buffer,
    ackFor: (response: SipResponse) => Buffer,
    events: ClientEvents,
  ) {
    super(context, flow, request, 'calling', Number.POSITIVE_INFINITY, events)
    this.#ackFor = ackFor
  }

  protected get isWaiting(): boolean {
    return this.state === 'calling' || this.state === 'proceeding'
  }

  receive(response: SipResponse): void {
    if (response.code < 200) this.#provisional(response)
    else if (response.code < 300) this.#accepted(response)
    else if (this.isWaiting) this.#rejected(response)
    else if (this.state === 'completed') this.#sendAck(response)
  }

  /** The callee may ring for as long as it likes. */
  #provisional(response: SipResponse): void {
    if (!this.isWaiting) return
    if (this.state === 'calling') this.stay('proceeding')
    this.events.response(response)
  }

  #accepted(response: SipResponse): void {
    if (this.state === 'completed' || this.state === 'terminated') return
    if (this.state !== 'accepted') this.endIn('accepted', 64 * this.context.times.t1)
    this.events.response(response)
  }

  #rejected(response: SipResponse): void {
    this.endIn('completed', this.flow.reliable ? 0 : timerD)
    this.#sendAck(response)
    this.events.response(response)
  }

  #sendAck(response: SipResponse): void {
    this.#ack ??= this.#ackFor(response)
    this.flow.send(this.#ack)
  }
}
