/** The ownership tree: one close path for everything that opens something. */
import type { Closable, CloseReason, Scope } from './types.ts'

export interface ScopeOptions {
  /** Told when deferred work throws; the close goes on. Children inherit it. Default: a process warning. */
  readonly onError?: (error: unknown, scope: string) => void
  /** Closes the scope when it aborts. */
  readonly signal?: AbortSignal
}

const ended: CloseReason = { code: 'unpublished', detail: 'closed without a reason' }

const warn = (error: unknown, scope: string): void =>
  process.emitWarning(`closing ${scope}: ${error instanceof Error ? error.message : String(error)}`)

class ScopeNode implements Scope {
  readonly closed: Promise<CloseReason>
  readonly #name: string
  readonly #onError: (error: unknown, scope: string) => void
  readonly #abort = new AbortController()
  readonly #children = new Set<ScopeNode>()
  readonly #resolve: (reason: CloseReason) => void
  #deferred: (() => void | Promise<void>)[] = []
  #reason: CloseReason | undefined
  #closing: Promise<void> | undefined

  constructor(name: string, onError: (error: unknown, scope: string) => void) {
    this.#name = name
    this.#onError = onError
    const { promise, resolve } = Promise.withResolvers<CloseReason>()
    this.closed = promise
    this.#resolve = resolve
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  child(name: string): Scope {
    const child = new ScopeNode(`${this.#name}/${name}`, this.#onError)
    if (this.#reason !== undefined) {
      void child.close(this.#reason)
      return child
    }
    this.#children.add(child)
    child.#deferred.push(() => void this.#children.delete(child))
    return child
  }

  defer(release: () => void | Promise<void>): void {
    if (this.#closing === undefined) this.#deferred.push(release)
    else void this.#run(release)
  }

  close(reason: CloseReason = ended): Promise<void> {
    this.#condemn(reason)
    this.#closing ??= this.#release()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** The reason reaches the whole tree at once, leaves first, before any release runs: first reason wins. */
  #condemn(reason: CloseReason): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    for (const child of this.#children) child.#condemn(reason)
    this.#abort.abort(reason)
  }

  async #release(): Promise<void> {
    const reason = this.#reason!
    if (this.#children.size > 0) await Promise.all([...this.#children].map(child => child.close(reason)))
    for (let release = this.#deferred.pop(); release !== undefined; release = this.#deferred.pop()) {
      const pending = this.#run(release)
      if (pending !== undefined) await pending
    }
    this.#resolve(reason)
  }

  #run(release: () => void | Promise<void>): Promise<void> | undefined {
    try {
      return release()?.then(undefined, error => this.#report(error))
    } catch (error) {
      this.#report(error)
      return undefined
    }
  }

  #report(error: unknown): void {
    try {
      this.#onError(error, this.#name)
    } catch (second) {
      warn(second, this.#name)
    }
  }
}

/** A new root. `name` is for people: it is said when deferred work fails. */
export const createScope = (name: string, options: ScopeOptions = {}): Scope => {
  const scope = new ScopeNode(name, options.onError ?? warn)
  if (options.signal !== undefined) closeOnAbort(scope, options.signal)
  return scope
}

/** Closes `target` when `signal` aborts, with the signal's own CloseReason if it carries one. */
export const closeOnAbort = (target: Scope, signal: AbortSignal): void => {
  const abort = (): void => void target.close(reasonOf(signal))
  if (signal.aborted) {
    abort()
    return
  }
  signal.addEventListener('abort', abort, { once: true })
  target.defer(() => signal.removeEventListener('abort', abort))
}

/** The CloseReason an aborted signal carries; foreign aborts become 'subscriber-left' with their message. */
export const reasonOf = (signal: AbortSignal): CloseReason => {
  const reason: unknown = signal.reason
  if (typeof reason === 'object' && reason !== null && 'code' in reason && !(reason instanceof Error))
    return reason as CloseReason
  return { code: 'subscriber-left', detail: reason instanceof Error ? reason.message : String(reason) }
}

/** One line for logs and wires: "slow-subscriber: 4.2 MB waited for 5000 ms". */
export const describeReason = (reason: CloseReason): string => {
  const detail = reason.detail ?? reason.error?.message ?? reason.code
  // What is told on by one that ended because of another names the code already.
  const isNamed = detail === reason.code || detail.startsWith(`${reason.code}: `)
  return isNamed ? detail : `${reason.code}: ${detail}`
}

/** The four members of Closable, bound to a scope, for objects that are closed by closing it. */
export const closable = (scope: Scope): Closable => ({
  close: reason => scope.close(reason),
  closed: scope.closed,
  signal: scope.signal,
  [Symbol.asyncDispose]: () => scope.close(),
})

/** The same for classes: an object that lives as long as the scope it owns. */
export abstract class Scoped implements Closable {
  protected readonly scope: Scope

  constructor(scope: Scope) {
    this.scope = scope
  }

  get closed(): Promise<CloseReason> {
    return this.scope.closed
  }
  get signal(): AbortSignal {
    return this.scope.signal
  }
  close(reason?: CloseReason): Promise<void> {
    return this.scope.close(reason)
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.scope.close()
  }
}
