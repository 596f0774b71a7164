/** Typed lifecycle events. Never used for media. */
export interface Events<M extends { [E in keyof M]: unknown[] }> {
  on<E extends keyof M>(event: E, listener: (...args: M[E]) => void): () => void
  emit<E extends keyof M>(event: E, ...args: M[E]): void
}

/** A listener that throws is reported and disturbs neither the others nor the emitter. */
export const createEvents = <M extends { [E in keyof M]: unknown[] }>(
  onError: (error: unknown) => void,
): Events<M> => {
  const listeners: { [E in keyof M]?: Set<(...args: M[E]) => void> } = {}
  return {
    on: (event, listener) => {
      const set = listeners[event] ?? new Set()
      listeners[event] = set
      set.add(listener)
      return () => void set.delete(listener)
    },
    emit: (event, ...args) => {
      for (const listener of [...(listeners[event] ?? [])]) {
        try {
          listener(...args)
        } catch (error) {
          onError(error)
        }
      }
    },
  }
}
