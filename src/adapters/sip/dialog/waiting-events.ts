/** Calls of a listener that is not there yet, kept in their order. */
export class WaitingEvents<E> {
  #listener: E | undefined
  #waiting: ((listener: E) => void)[] = []

  get listener(): E | undefined {
    return this.#listener
  }

  listen(listener: E): void {
    this.#listener = listener
    const waiting = this.#waiting
    this.#waiting = []
    for (const tell of waiting) tell(listener)
  }

  tell(tell: (listener: E) => void): void {
    if (this.#listener === undefined) this.#waiting.push(tell)
    else tell(this.#listener)
  }
}
