import type { Clock } from '../../../core/types.ts'

/** The base values that all others are multiples of, in microseconds (RFC 3261 17.1.1.1). */
export interface SipTimes {
  /** An estimate of the round trip. */
  readonly t1: number
  /** Longest wait between two retransmissions. */
  readonly t2: number
  /** How long a message may stay in the network. */
  readonly t4: number
}

export const defaultTimes: SipTimes = { t1: 500_000, t2: 4_000_000, t4: 5_000_000 }

/** Timer D on unreliable transports: at least 32 s (RFC 3261 17.1.1.2). */
export const timerD = 32_000_000

/** What every transaction needs around it. */
export interface TransactionContext {
  readonly clock: Clock
  readonly times: SipTimes
  /** Counts one message sent again. */
  retransmitted(): void
}

/** Sends again after `firstUs`, then after twice as long each time, up to `mostUs`. */
export class Repeater {
  readonly #context: TransactionContext
  readonly #mostUs: number
  readonly #send: () => void
  #cancel: () => void
  #waitUs: number

  constructor(context: TransactionContext, firstUs: number, mostUs: number, send: () => void) {
    this.#context = context
    this.#waitUs = firstUs
    this.#mostUs = mostUs
    this.#send = send
    this.#cancel = context.clock.after(firstUs, this.#fire)
  }

  /** The next wait, and all after it. */
  slowDown(toUs: number): void {
    this.#waitUs = toUs
  }

  stop(): void {
    this.#cancel()
  }

  readonly #fire = (): void => {
    this.#waitUs = Math.min(this.#waitUs * 2, this.#mostUs)
    this.#cancel = this.#context.clock.after(this.#waitUs, this.#fire)
    this.#context.retransmitted()
    this.#send()
  }
}
