import type { Flow } from '../transport/flow.ts'
import { Repeater, type TransactionContext } from './times.ts'

export interface InviteServerEvents {
  /** The caller took it back, before a final response. */
  cancelled(reason: string | undefined): void
  /** Timer H or L: the ACK of the final response never came here. */
  terminated(): void
}

/** RFC 3261 17.2.1 with RFC 6026: timers G, H, I and L. Retransmitting a 2xx is the dialog's (13.3.1.4). */
export class InviteServerTransaction {
  state: 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'terminated' = 'proceeding'
  /** Where responses go: by the way the request came, as long as it is open. */
  readonly flow: Flow
  readonly #context: TransactionContext
  readonly #events: InviteServerEvents
  #last: Buffer | undefined
  #resend: Repeater | undefined
  #cancelTimer: () => void = () => undefined

  constructor(context: TransactionContext, flow: Flow, events: InviteServerEvents) {
    this.#context = context
    this.flow = flow
    this.#events = events
  }

  /** The same request again. */
  receiveAgain(): void {
    if ((this.state === 'proceeding' || this.state === 'completed') && this.#last !== undefined) {
      this.#context.retransmitted()
      this.flow.send(this.#last)
    }
  }

  /** The ACK of a response other than 2xx. */
  receiveAck(): void {
    if (this.state === 'completed') this.#enter('confirmed', this.flow.reliable ? 0 : this.#context.times.t4)
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
    else if (code >= 200) this.#enter('accepted', 64 * this.#context.times.t1)
  }

  dispose(): void {
    this.#terminate()
  }

  #reject(response: Buffer): void {
    const { times } = this.#context
    this.#enter('completed', 64 * times.t1)
    if (this.flow.reliable) return
    this.#resend = new Repeater(this.#context, times.t1, times.t2, () => this.flow.send(response))
  }

  #enter(state: InviteServerTransaction['state'], forUs: number): void {
    this.state = state
    this.#resend?.stop()
    this.#cancelTimer()
    if (forUs === 0) queueMicrotask(() => this.#terminate())
    else this.#cancelTimer = this.#context.clock.after(forUs, () => this.#terminate())
  }

  #terminate(): void {
    if (this.state === 'terminated') return
    this.state = 'terminated'
    this.#resend?.stop()
    this.#cancelTimer()
    this.#events.terminated()
  }
}
