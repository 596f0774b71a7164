import type { Clock } from './types.ts'

/** One thing to be done at one time, unless it is called off before. */
export class Deadline {
  readonly #clock: Clock
  #cancel: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** In place of what was to be done before. */
  set(us: number, run: () => void): void {
    this.clear()
    this.#cancel = this.#clock.after(us, run)
  }

  clear(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }
}
