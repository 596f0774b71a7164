import { Repeater, type TransactionContext } from '../transaction/times.ts'

/** A 2xx to an INVITE: sent again until its ACK is there, for 64 T1 at most (RFC 3261 13.3.1.4). */
export class PendingAck {
  readonly cseq: number
  /** The ACK brings the answer to an offer of ours. */
  readonly wantsAnswer: boolean
  readonly #resend: Repeater
  readonly #cancelDeadline: () => void

  constructor(
    context: TransactionContext,
    init: { readonly cseq: number; readonly wantsAnswer: boolean },
    send: () => void,
    missing: () => void,
  ) {
    const { t1, t2 } = context.times
    this.cseq = init.cseq
    this.wantsAnswer = init.wantsAnswer
    this.#resend = new Repeater(context, t1, t2, send)
    this.#cancelDeadline = context.clock.after(64 * t1, () => {
      this.stop()
      missing()
    })
  }

  stop(): void {
    this.#resend.stop()
    this.#cancelDeadline()
  }
}
