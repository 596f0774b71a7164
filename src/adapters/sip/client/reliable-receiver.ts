import type { Dialog } from '../dialog/dialog.ts'
import { sendInDialog } from '../dialog/in-dialog-request.ts'
import type { Body, SipResponse } from '../message/types.ts'
import type { Stack } from '../stack/stack.ts'
import type { Sign } from './sign.ts'

/** Acknowledges the reliable provisional responses of one fork in their order (RFC 3262 4). */
export class ReliableReceiver {
  readonly #stack: Stack
  readonly #dialog: Dialog
  readonly #sign: Sign | undefined
  readonly #cseq: number
  #last: number | undefined
  #answered = false

  constructor(stack: Stack, dialog: Dialog, sign: Sign | undefined, cseq: number) {
    this.#stack = stack
    this.#dialog = dialog
    this.#sign = sign
    this.#cseq = cseq
  }

  /** An offer of the callee was answered with a PRACK. */
  get answered(): boolean {
    return this.#answered
  }

  /**
   * 'again' for what came before or too early. For an offer of the callee (`late`) its answer is to be given, now;
   * nothing is acknowledged before.
   */
  receive(response: SipResponse, late: boolean): 'plain' | 'again' | ((answer: Body) => void) {
    const rseq = Number(response.headers.get('rseq') ?? Number.NaN)
    if (!response.headers.names('require', '100rel') || !Number.isInteger(rseq)) return 'plain'
    if (this.#last !== undefined && rseq !== this.#last + 1) return 'again'
    this.#last = rseq
    if (!late || this.#answered || response.body === undefined) {
      this.#acknowledge(rseq, undefined)
      return 'plain'
    }
    return answer => {
      if (this.#answered) return
      this.#answered = true
      this.#acknowledge(rseq, answer)
    }
  }

  #acknowledge(rseq: number, body: Body | undefined): void {
    const draft = this.#dialog.draft('PRACK', { RAck: `${rseq} ${this.#cseq} INVITE` }, body)
    sendInDialog(this.#stack, this.#dialog, draft, this.#sign, () => undefined)
  }
}
