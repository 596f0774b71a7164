import type { SipResponse } from '../message/types.ts'
import type { Flow } from '../transport/flow.ts'
import { type ClientEvents, ClientTransaction } from './client-transaction.ts'
import type { TransactionContext } from './times.ts'

type State = 'trying' | 'proceeding' | 'completed'

/** RFC 3261 17.1.2: timers E, F and K. */
export class NonInviteClientTransaction extends ClientTransaction<State> {
  constructor(context: TransactionContext, flow: Flow, request: Buffer, events: ClientEvents) {
    super(context, flow, request, 'trying', context.times.t2, events)
  }

  protected get isWaiting(): boolean {
    return this.state === 'trying' || this.state === 'proceeding'
  }

  receive(response: SipResponse): void {
    if (!this.isWaiting) return
    if (response.code >= 200) this.endIn('completed', this.flow.reliable ? 0 : this.context.times.t4)
    else if (this.state === 'trying') {
      this.state = 'proceeding'
      this.resend?.slowDown(this.context.times.t2)
    }
    this.events.response(response)
  }
}
