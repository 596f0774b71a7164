/** How late units came at the least, window by window: what jitter and congestion add is gone from it, drift is not. */

/** Long enough for some units that met no queue, short enough to follow a clock that is 500 ppm off within 5 ms. */
const windowUs = 10_000_000

export class LeastDelay {
  #windowStart: number | undefined
  #least = Number.POSITIVE_INFINITY

  /** The least delay of the window that ends with this unit; undefined while it goes on. Microseconds. */
  add(wall: number, delayUs: number): number | undefined {
    this.#windowStart ??= wall
    if (delayUs < this.#least) this.#least = delayUs
    if (wall - this.#windowStart < windowUs) return undefined
    const least = this.#least
    this.#windowStart = wall
    this.#least = Number.POSITIVE_INFINITY
    return least
  }

  forget(): void {
    this.#windowStart = undefined
    this.#least = Number.POSITIVE_INFINITY
  }
}
