/** The time in which a stream has readers and no publisher. */
import { Deadline } from './deadline.ts'
import type { Clock, CloseCode, CloseReason, Continuity, WaitingInfo } from './types.ts'

/** Nobody wanted these ends. */
const lost: ReadonlySet<CloseCode> = new Set(['source-lost', 'timeout', 'failed'])
/** The publisher said so itself. */
const ended: ReadonlySet<CloseCode> = new Set(['source-ended', 'unpublished'])

/** May a publisher that went for this reason be waited for? */
export const isWaitedFor = ({ code }: CloseReason, continuity: Continuity): boolean =>
  continuity.graceMs > 0 && (lost.has(code) || (continuity.graceOnUnpublish && ended.has(code)))

export class Absence {
  readonly #clock: Clock
  readonly #reason: CloseReason
  readonly #untilUs: number
  readonly #onOver: (reason: CloseReason) => void
  readonly #deadline: Deadline

  /** `onOver` gets the reason for which the publisher went. */
  constructor(clock: Clock, reason: CloseReason, graceMs: number, onOver: (reason: CloseReason) => void) {
    this.#clock = clock
    this.#reason = reason
    this.#untilUs = clock.now() + graceMs * 1000
    this.#onOver = onOver
    this.#deadline = new Deadline(clock)
  }

  get info(): WaitingInfo {
    return { reason: this.#reason, leftMs: this.leftMs }
  }
  get leftMs(): number {
    return Math.max(0, Math.round((this.#untilUs - this.#clock.now()) / 1000))
  }

  /** The deadline runs: nobody publishes. One that comes and goes in between does not move it. */
  run(): void {
    const leftUs = Math.max(0, this.#untilUs - this.#clock.now())
    this.#deadline.set(leftUs, () => this.#onOver(this.#reason))
  }

  /** The deadline rests: somebody publishes again, and has a deadline of its own until it is ready. */
  hold(): void {
    this.#deadline.clear()
  }
}
