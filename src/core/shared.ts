/** One lazily made thing with many users: made by the first, dropped some time after the last has left. */
import type { Clock } from './types.ts'

export interface SharedOptions<T> {
  readonly clock: Clock
  /** How long it lives on without users, microseconds. */
  readonly lingerUs: number
  readonly open: () => T
  readonly close: (value: T) => void
}

/** A viewer who reloads the page finds the converter still there. */
export const defaultLingerUs = 5_000_000

export class Shared<T> {
  readonly #options: SharedOptions<T>
  #value: T | undefined
  #users = 0
  #cancel: (() => void) | undefined

  constructor(options: SharedOptions<T>) {
    this.#options = options
  }

  get value(): T | undefined {
    return this.#value
  }

  /** What `open` throws, this throws, and nobody is counted. */
  acquire(): T {
    this.#cancel?.()
    this.#cancel = undefined
    this.#value ??= this.#options.open()
    this.#users++
    return this.#value
  }

  release(): void {
    if (this.#users === 0 || --this.#users > 0 || this.#value === undefined) return
    const { clock, lingerUs } = this.#options
    this.#cancel = clock.after(lingerUs, () => this.end())
  }

  /** Drops it at once, whoever uses it. */
  end(): void {
    this.#cancel?.()
    this.#cancel = undefined
    const value = this.#value
    if (value === undefined) return
    this.#value = undefined
    this.#users = 0
    this.#options.close(value)
  }
}
