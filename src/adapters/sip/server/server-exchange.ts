import type { Source } from '../addresses.ts'
import type { SipRequest } from '../message/types.ts'
import type { IncomingRequest, ReplyOptions } from '../request.ts'
import { type Stack, sourceOf } from '../stack/stack.ts'
import { NonInviteServerTransaction } from '../transaction/non-invite-server.ts'
import type { Flow } from '../transport/flow.ts'
import { answerFlow } from './answer-flow.ts'

/** One request other than INVITE, and its one answer. */
export class ServerExchange implements IncomingRequest {
  readonly request: SipRequest
  readonly source: Source
  declare readonly user?: string
  readonly #stack: Stack
  readonly #transaction: NonInviteServerTransaction
  readonly #toTag: string | undefined

  /** `toTag` goes into the answer of a request that has none. */
  constructor(stack: Stack, request: SipRequest, flow: Flow, toTag?: string, user?: string) {
    this.#stack = stack
    this.request = request
    this.source = sourceOf(flow)
    if (user !== undefined) this.user = user
    this.#toTag = toTag
    this.#transaction = new NonInviteServerTransaction(
      stack.context,
      answerFlow(stack, request.via, flow),
      () => stack.table.removeServer(request),
    )
    stack.table.addServer(request, this.#transaction)
  }

  reply(code: number, options: ReplyOptions = {}): void {
    if (this.#transaction.state !== 'trying') return
    const draft = { code, toTag: this.#toTag, ...options }
    this.#transaction.respond(this.#stack.formatResponse(this.request.headers, draft))
  }
}
