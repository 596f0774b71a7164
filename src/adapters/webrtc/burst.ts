import type { Clock } from '../../core/types.ts'

/** 16 packets of 1200 bytes every 5 ms are 31 Mbit/s: a group of pictures in a moment, and no flood. */
const PACKETS_PER_TICK = 16
const TICK_US = 5000

/**
 * Paces what a viewer is given at once when it joins (the group of pictures so far): whatever is pushed while
 * something waits, waits behind it. Once the queue has run empty it is never used again.
 */
export class Burst<T> {
  readonly #clock: Clock
  readonly #send: (item: T) => void
  #waiting: T[] = []
  #next = 0
  #cancel: (() => void) | undefined
  isDone = false

  constructor(clock: Clock, send: (item: T) => void) {
    this.#clock = clock
    this.#send = send
  }

  push(item: T): void {
    this.#waiting.push(item)
    this.#cancel ??= this.#clock.after(0, this.#tick)
  }

  close(): void {
    this.#cancel?.()
    this.#waiting = []
    this.isDone = true
  }

  readonly #tick = (): void => {
    const end = Math.min(this.#waiting.length, this.#next + PACKETS_PER_TICK)
    while (this.#next < end) this.#send(this.#waiting[this.#next++]!)
    if (this.#next === this.#waiting.length) this.close()
    else this.#cancel = this.#clock.after(TICK_US, this.#tick)
  }
}
