import type { Flow } from '../transport/flow.ts'
import type { TransactionContext } from './times.ts'

/** RFC 3261 17.2.2: timer J. */
export class NonInviteServerTransaction {
  state: 'trying' | 'completed' | 'terminated' = 'trying'
  readonly flow: Flow
  readonly #context: TransactionContext
  readonly #terminated: () => void
  #last: Buffer | undefined
  #cancelTimer: () => void

  constructor(context: TransactionContext, flow: Flow, terminated: () => void) {
    this.#context = context
    this.flow = flow
    this.#terminated = terminated
    // Whoever forgets to answer does not keep it for ever: the client has given up by then (timer F).
    this.#cancelTimer = context.clock.after(64 * context.times.t1, () => this.dispose())
  }

  receiveAgain(): void {
    if (this.#last === undefined) return
    this.#context.retransmitted()
    this.flow.send(this.#last)
  }

  /** The one final response; later ones are ignored. */
  respond(response: Buffer): void {
    if (this.state !== 'trying') return
    this.state = 'completed'
    this.#last = response
    this.flow.send(response)
    this.#cancelTimer()
    if (this.flow.reliable) queueMicrotask(() => this.dispose())
    else this.#cancelTimer = this.#context.clock.after(64 * this.#context.times.t1, () => this.dispose())
  }

  dispose(): void {
    if (this.state === 'terminated') return
    this.state = 'terminated'
    this.#cancelTimer()
    this.#terminated()
  }
}
