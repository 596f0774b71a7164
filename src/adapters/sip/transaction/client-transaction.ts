import type { SipResponse } from '../message/types.ts'
import type { Flow } from '../transport/flow.ts'
import { Repeater, type TransactionContext } from './times.ts'
import { Transaction } from './transaction.ts'

export interface ClientEvents {
  /** Provisional and final responses; of an INVITE each 2xx, retransmissions included, for 64 T1 (RFC 6026). */
  response(response: SipResponse): void
  /** Timer B or F: nothing came for 64 T1. */
  timedOut(): void
  /** The connection is gone. */
  lost(reason: string): void
  /** The transaction is forgotten. */
  terminated(): void
}

/** Sends a request, again and again on UDP (timers A and E), and waits 64 T1 for a response (timers B and F). */
export abstract class ClientTransaction<State extends string = string> extends Transaction<State> {
  protected readonly events: ClientEvents

  /** `slowestUs`: the longest wait between two retransmissions. */
  constructor(
    context: TransactionContext,
    flow: Flow,
    request: Buffer,
    first: State,
    slowestUs: number,
    events: ClientEvents,
  ) {
    super(context, flow, first, () => events.terminated())
    const { t1 } = context.times
    this.events = events
    flow.send(request)
    if (!flow.reliable) this.resend = new Repeater(context, t1, slowestUs, () => flow.send(request))
    this.expect(64 * t1, () => this.#timedOut())
  }

  /** A response that matches. */
  abstract receive(response: SipResponse): void

  /** No final response yet, and one is waited for. */
  protected abstract get isWaiting(): boolean

  /** The connection broke. */
  fail(reason: string): void {
    if (!this.isWaiting) return
    this.dispose()
    this.events.lost(reason)
  }

  #timedOut(): void {
    if (!this.isWaiting) return
    this.dispose()
    this.events.timedOut()
  }
}
