/** Readers that came before their publisher. */
import { GatewayError } from '../errors.ts'
import { describeReason, reasonOf } from './scope.ts'
import type { StreamNode } from './stream.ts'
import type { Clock } from './types.ts'

export interface Waiting {
  /** Resolves when a stream of that name is ready; rejects after `waitMs`, or when `signal` aborts. */
  wait(name: string, waitMs: number, late: () => GatewayError, signal?: AbortSignal): Promise<StreamNode>
  ready(stream: StreamNode): void
  refuseAll(error: GatewayError): void
}
interface Waiter {
  readonly name: string
  readonly resolve: (stream: StreamNode) => void
  readonly reject: (error: GatewayError) => void
}

export const createWaiting = (clock: Clock): Waiting => {
  const waiters = new Set<Waiter>()
  return {
    wait: async (name, waitMs, late, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<StreamNode>()
      const waiter = { name, resolve, reject }
      const cancel = clock.after(waitMs * 1000, () => reject(late()))
      const abort = (): void => reject(new GatewayError('closed', describeReason(reasonOf(signal!))))
      if (signal?.aborted === true) abort()
      signal?.addEventListener('abort', abort, { once: true })
      waiters.add(waiter)
      try {
        return await promise
      } finally {
        cancel()
        waiters.delete(waiter)
        signal?.removeEventListener('abort', abort)
      }
    },
    ready: stream => {
      for (const { name, resolve } of waiters) if (name === stream.name) resolve(stream)
    },
    refuseAll: error => {
      for (const { reject } of waiters) reject(error)
    },
  }
}
