import type { SipResponse } from '../message/types.ts'
import type { Flow } from '../transport/flow.ts'
import type { ClientEvents } from './invite-client.ts'
import { Repeater, type TransactionContext } from './times.ts'

/** RFC 3261 17.1.2: timers E, F and K. */
export class NonInviteClientTransaction {
  state: 'trying' | 'proceeding' | 'completed' | 'terminated' = 'trying'
  readonly flow: Flow
  readonly #context: TransactionContext
  readonly #events: ClientEvents
  readonly #resend: Repeater | undefined
  #cancelTimer: () => void

  constructor(context: TransactionContext, flow: Flow, request: Buffer, events: ClientEvents) {
    const { clock, times } = context
    this.#context = context
    this.flow = flow
    this.#events = events
    flow.send(request)
    this.#resend = flow.reliable
      ? undefined
      : new Repeater(context, times.t1, times.t2, () => flow.send(request))
    this.#cancelTimer = clock.after(64 * times.t1, () => this.#timerF())
  }

  receive(response: SipResponse): void {
    if (this.state !== 'trying' && this.state !== 'proceeding') return
    if (response.code >= 200) this.#complete()
    else if (this.state === 'trying') {
      this.state = 'proceeding'
      this.#resend?.slowDown(this.#context.times.t2)
    }
    this.#events.response(response)
  }

  fail(reason: string): void {
    if (this.state !== 'trying' && this.state !== 'proceeding') return
    this.#terminate()
    this.#events.lost(reason)
  }

  dispose(): void {
    this.#terminate()
  }

  #complete(): void {
    this.state = 'completed'
    this.#resend?.stop()
    this.#cancelTimer()
    if (this.flow.reliable) queueMicrotask(() => this.#terminate())
    else this.#cancelTimer = this.#context.clock.after(this.#context.times.t4, () => this.#terminate())
  }

  #timerF(): void {
    if (this.state !== 'trying' && this.state !== 'proceeding') return
    this.#terminate()
    this.#events.timedOut()
  }

  #terminate(): void {
    if (this.state === 'terminated') return
    this.state = 'terminated'
    this.#resend?.stop()
    this.#cancelTimer()
    this.#events.terminated()
  }
}
