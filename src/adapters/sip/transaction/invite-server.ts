import type { Flow } from '../transport/flow.ts'
import { Repeater, type TransactionContext } from './times.ts'
import { Transaction } from './transaction.ts'

export interface InviteServerEvents {
  /** The caller took it back, before a final response. */
  cancelled(reason: string | undefined): void
  /** Timer H or L: the ACK of the final response never came here. */
  terminated(): void
}

type State = 'proceeding' | 'accepted' | 'completed' | 'confirmed'

/** RFC 3261 17.2.1 with RFC 6026: timers G, H, I and L. Retransmitting a 2xx is the dialog's (13.3.1.4). */
export class InviteServerTransaction extends Transaction<State> {
  readonly #events: InviteServerEvents
  #last: Buffer | undefined

  constructor(context: TransactionContext, flow: Flow, events: InviteServerEvents) {
    super(context, flow, 'proceeding', () => events.terminated())
    this.#events = events
  }

  /** The same request again. */
  receiveAgain(): void {
    if ((this.state === 'proceeding' || this.state === 'completed') && this.#last !== undefined) {
      this.context.retransmitted()
      this.flow.send(this.#last)
    }
  }

  /** The ACK of a response other than 2xx. */
  receiveAck(): void {
    if (this.state === 'completed') this.endIn('confirmed', this.flow.reliable ? 0 : this.context.times.t4)
  }

  cancel(reason: string | undefined): void {
    if (this.state === 'proceeding') this.#events.cancelled(reason)
  }

  /** A 2xx may be sent again while the transaction stands; other final responses only once. */
  respond(code: number, response: Buffer): void {
    if (this.state === 'accepted' && code >= 200 && code < 300) {
      this.flow.send(response)
      return
    }
    if (this.state !== 'proceeding') return
    this.#last = response
    this.flow.send(response)
    if (code >= 300) this.#reject(response)
    else if (code >= 200) this.endIn('accepted', 64 * this.context.times.t1)
  }

  #reject(response: Buffer): void {
    const { t1, t2 } = this.context.times
    this.endIn('completed', 64 * t1)
    if (!this.flow.reliable) this.resend = new Repeater(this.context, t1, t2, () => this.flow.send(response))
  }
}
