import type { Flow } from '../transport/flow.ts'
import type { TransactionContext } from './times.ts'
import { Transaction } from './transaction.ts'

/** RFC 3261 17.2.2: timer J. */
export class NonInviteServerTransaction extends Transaction<'trying' | 'completed'> {
  #last: Buffer | undefined

  constructor(context: TransactionContext, flow: Flow, terminated: () => void) {
    super(context, flow, 'trying', terminated)
    // Whoever forgets to answer does not keep it for ever: the client has given up by then (timer F).
    this.expect(64 * context.times.t1, () => this.dispose())
  }

  receiveAgain(): void {
    if (this.#last === undefined) return
    this.context.retransmitted()
    this.flow.send(this.#last)
  }

  /** The one final response; later ones are ignored. */
  respond(response: Buffer): void {
    if (this.state !== 'trying') return
    this.#last = response
    this.flow.send(response)
    this.endIn('completed', this.flow.reliable ? 0 : 64 * this.context.times.t1)
  }
}
