import type { Clock, Registry, StreamInfo } from '../core/types.ts'
import { GatewayError } from '../errors.ts'

/**
 * Resolves once the stream's tracks are known.
 * @throws GatewayError 'stream-offline' when that takes longer than `waitMs`, when it ends, or when `signal` aborts
 */
export const untilReady = (
  registry: Registry,
  clock: Clock,
  name: string,
  waitMs: number,
  signal: AbortSignal,
): Promise<StreamInfo> =>
  new Promise((resolve, reject) => {
    const offline = (why: string) => (): void =>
      finish(() => reject(new GatewayError('stream-offline', `${name}${why}`)))
    const look = (): void => {
      const stream = registry.find(name)
      if (stream?.state === 'ready') finish(() => resolve(stream))
    }
    const aborted = offline(' ended before its tracks were known')
    const stops = [
      clock.after(waitMs * 1000, offline(`: nothing was published within ${waitMs} ms`)),
      registry.on('stream:ready', look),
      registry.on('stream:closed', stream => stream.name === name && aborted()),
    ]
    const finish = (settle: () => void): void => {
      signal.removeEventListener('abort', aborted)
      for (const stop of stops) stop()
      settle()
    }
    signal.addEventListener('abort', aborted)
    if (signal.aborted) return aborted()
    registry.wake(name)
    look()
  })
