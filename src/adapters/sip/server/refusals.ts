import type { Clock } from '../../../core/types.ts'
import type { Logger } from '../../adapter.ts'
import type { Source } from '../addresses.ts'
import type { RefusalCause, SignallingOptions } from '../signalling.ts'
import { sourceOf } from '../stack/stack.ts'

const everyUs = 1_000_000

/** Counts what is not let in, and says so at most once a second. */
export class Refusals {
  readonly counts: Record<RefusalCause, number> = {
    rate: 0,
    full: 0,
    screen: 0,
    unsigned: 0,
    'wrong-password': 0,
    'unknown-dialog': 0,
    merged: 0,
    unsupported: 0,
    malformed: 0,
  }
  readonly #clock: Clock
  readonly #log: Logger
  readonly #tell: SignallingOptions['onRefused']
  #quietUntil = Number.NEGATIVE_INFINITY
  #unsaid = 0

  constructor(clock: Clock, log: Logger, tell: SignallingOptions['onRefused']) {
    this.#clock = clock
    this.#log = log
    this.#tell = tell
  }

  /** What the screen refuses is its own to tell. */
  add(cause: Exclude<RefusalCause, 'screen'>, from: Source, detail: string): void {
    this.counts[cause]++
    this.#tell?.(cause, sourceOf(from), detail)
    const now = this.#clock.now()
    if (now < this.#quietUntil) {
      this.#unsaid++
      return
    }
    this.#quietUntil = now + everyUs
    const peer = `${from.transport}:${from.ip}:${from.port}`
    this.#log.warn({ peer, cause, detail, unsaid: this.#unsaid }, 'a SIP request was not let in')
    this.#unsaid = 0
  }
}
