import type { Flow } from '../transport/flow.ts'
import type { Repeater, TransactionContext } from './times.ts'

/** What all four kinds have: a state that lasts until its timer runs out, perhaps something sent again, and one end. */
export abstract class Transaction<State extends string> {
  state: State | 'terminated'
  /** Where its messages go, for as long as it is open. */
  readonly flow: Flow
  protected readonly context: TransactionContext
  protected resend: Repeater | undefined
  readonly #terminated: () => void
  #cancelTimer: () => void = () => undefined

  constructor(context: TransactionContext, flow: Flow, state: State, terminated: () => void) {
    this.context = context
    this.flow = flow
    this.state = state
    this.#terminated = terminated
  }

  /** Forgets everything; says only that it is over. */
  dispose(): void {
    if (this.state === 'terminated') return
    this.state = 'terminated'
    this.resend?.stop()
    this.#cancelTimer()
    this.#terminated()
  }

  /** The state that ends the transaction after `forUs`; at once where a reliable transport needs no wait: 0. */
  protected endIn(state: State, forUs: number): void {
    this.stay(state)
    if (forUs === 0) queueMicrotask(() => this.dispose())
    else this.expect(forUs, () => this.dispose())
  }

  /** A state that nothing but a message ends. */
  protected stay(state: State): void {
    this.state = state
    this.resend?.stop()
    this.#cancelTimer()
  }

  /** The one timer that runs: what happens if nothing else does. */
  protected expect(withinUs: number, missed: () => void): void {
    this.#cancelTimer = this.context.clock.after(withinUs, missed)
  }
}
