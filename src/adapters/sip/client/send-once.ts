import type { Target } from '../addresses.ts'
import type { Hop } from '../dialog/dialog.ts'
import { formatRequest, type RequestDraft } from '../message/format-message.ts'
import { newBranch } from '../message/tokens.ts'
import type { ExtraHeaders } from '../message/types.ts'
import { viaFor } from '../stack/local-address.ts'
import type { Stack } from '../stack/stack.ts'
import type { Flow } from '../transport/flow.ts'

/** An ACK cannot be challenged: it is signed as its INVITE was (RFC 3261 22.1). */
export const signatureOf = ({ headers }: RequestDraft): ExtraHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.endsWith('Authorization')))

/** An ACK of a 2xx: sent without a transaction, and again whenever the 2xx comes again (RFC 3261 13.2.2.4). */
export class RepeatableRequest {
  readonly #stack: Stack
  readonly #draft: RequestDraft
  #flow: Flow | undefined
  #bytes: Buffer | undefined

  constructor(stack: Stack, draft: RequestDraft, hop: Hop) {
    this.#stack = stack
    this.#draft = draft
    if (hop.flow?.open) this.#use(hop.flow)
    else this.#find(hop)
  }

  again(): void {
    if (this.#bytes === undefined || this.#flow === undefined) return
    this.#stack.context.retransmitted()
    this.#flow.send(this.#bytes)
  }

  /** Without waiting where nothing must be waited for: the BYE of an answer that does not fit comes right behind. */
  #find({ uri, door }: Hop): void {
    const targets = this.#stack.locate(uri)
    if (targets instanceof Promise) targets.then(found => this.#sendTo(found, door), this.#lost)
    else this.#sendTo(targets, door)
  }

  #sendTo([target]: readonly Target[], door: number): void {
    if (target === undefined) return
    const flow = this.#stack.transports.flowTo(target, door)
    if (flow instanceof Promise) flow.then(found => this.#use(found), this.#lost)
    else this.#use(flow)
  }

  readonly #lost = (error: unknown): void =>
    this.#stack.log.warn({ callId: this.#draft.callId, error: String(error) }, 'an ACK cannot be sent')

  #use(flow: Flow): void {
    this.#flow = flow
    this.#bytes = formatRequest(this.#draft, viaFor(this.#stack, flow, newBranch()), this.#stack.userAgent)
    flow.send(this.#bytes)
  }
}
