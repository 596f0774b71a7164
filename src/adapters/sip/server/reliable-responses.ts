import type { HeaderList } from '../message/header-list.ts'
import type { ExtraHeaders } from '../message/types.ts'
import { Repeater, type TransactionContext } from '../transaction/times.ts'

interface Sent {
  readonly rseq: number
  readonly resend: Repeater
  readonly cancelDeadline: () => void
}

/** Provisional responses that must be acknowledged, one at a time (RFC 3262 3). */
export class ReliableResponses {
  readonly #context: TransactionContext
  readonly #cseq: number
  readonly #failed: () => void
  #rseq = 1 + Math.floor(Math.random() * 0x7fff)
  #open: Sent | undefined
  #queue: (() => void)[] = []

  constructor(context: TransactionContext, cseq: number, failed: () => void) {
    this.#context = context
    this.#cseq = cseq
    this.#failed = failed
  }

  get waiting(): boolean {
    return this.#open !== undefined || this.#queue.length > 0
  }

  /** Sends now, or when the one before is acknowledged; `send` gets the headers that make it reliable. */
  send(send: (headers: ExtraHeaders) => () => void): void {
    if (this.#open !== undefined) this.#queue.push(() => this.#begin(send))
    else this.#begin(send)
  }

  /** `then` runs when nothing waits for its PRACK any more. */
  whenAcknowledged(then: () => void): void {
    if (this.#open === undefined) then()
    else this.#queue.push(then)
  }

  /** What goes on once the PRACK is answered; undefined when it is not for the one that waits. */
  receive(headers: HeaderList): (() => void) | undefined {
    const [rseq, cseq, method] = (headers.get('rack') ?? '').split(/\s+/)
    const open = this.#open
    if (
      open === undefined ||
      Number(rseq) !== open.rseq ||
      Number(cseq) !== this.#cseq ||
      method !== 'INVITE'
    ) {
      return undefined
    }
    this.#settle(open)
    return () => {
      while (this.#open === undefined && this.#queue.length > 0) this.#queue.shift()!()
    }
  }

  close(): void {
    if (this.#open !== undefined) this.#settle(this.#open)
    this.#queue = []
  }

  #begin(send: (headers: ExtraHeaders) => () => void): void {
    const rseq = this.#rseq++
    const again = send({ Require: '100rel', RSeq: String(rseq) })
    const { clock, times } = this.#context
    const resend = new Repeater(this.#context, times.t1, Number.POSITIVE_INFINITY, again)
    const cancelDeadline = clock.after(64 * times.t1, () => {
      this.close()
      this.#failed()
    })
    this.#open = { rseq, resend, cancelDeadline }
  }

  #settle(sent: Sent): void {
    sent.resend.stop()
    sent.cancelDeadline()
    this.#open = undefined
  }
}
