/** `--duration` of `bridge`, `record` and `restream`: when its time is up, and what it had not done by then. */
import { systemClock } from '../core/clock.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'

/** What asked a bridge to end. */
export interface Ending {
  /** "stopped SIGINT" */
  readonly why: string
  /** What it was given time for and has not done. */
  readonly missing?: GatewayError | undefined
}

/** A bridge as it is known here, or by the API of a gateway: errors as they are, or in words. */
export interface Carried<E> {
  readonly from: string
  readonly stream: string
  readonly source?: { readonly error: E | undefined } | undefined
  readonly legs: readonly {
    readonly to: string
    readonly bytes: number
    readonly stats: { readonly units: number } | undefined
    readonly error: E | undefined
  }[]
}

const hasCarried = ({ bytes, stats }: Carried<unknown>['legs'][number]): boolean =>
  bytes > 0 || (stats?.units ?? 0) > 0

/** The source, if nothing came of it, or else the first destination that nothing was brought to. */
export const missingWithin = <E>(
  seconds: number,
  isLive: boolean,
  { from, stream, source, legs }: Carried<E>,
): E | GatewayError | undefined => {
  const within = `within ${seconds} s (--duration)`
  if (!isLive && !legs.some(hasCarried))
    return source?.error ?? new GatewayError('stream-offline', `nothing came from ${from} ${within}`)
  // To be named is all that a stream: destination waits for.
  const missed = legs.find(leg => leg.to !== `stream:${stream}` && !hasCarried(leg))
  return (
    missed && (missed.error ?? new GatewayError('timeout', `nothing was brought to ${missed.to} ${within}`))
  )
}

/** Without a number it never is. */
export class TimeUp implements Disposable {
  readonly ending: Promise<Ending>
  #cancel: () => void = () => undefined

  /** `seconds` from now for the one bridge of `gateway`, be it open by then or not. */
  constructor(gateway: Gateway, seconds: number | undefined) {
    const { promise, resolve } = Promise.withResolvers<Ending>()
    this.ending = promise
    if (seconds === undefined) return
    this.#cancel = systemClock.after(seconds * 1e6, () => {
      const [bridge] = gateway.bridges.list()
      const isLive = bridge !== undefined && gateway.registry.find(bridge.stream)?.state === 'ready'
      const missing = bridge && missingWithin(seconds, isLive, bridge)
      resolve({ why: `stopped after ${seconds} s`, missing })
    })
  }

  [Symbol.dispose](): void {
    this.#cancel()
  }
}
