/** Wrong keys are slow to try: after a few of them a source waits for each further one, whether it is right or not. */
import { isIPv6 } from 'node:net'
import type { Logger } from '../adapters/adapter.ts'
import type { Clock } from '../core/types.ts'
import { isLoopback, plainAddress } from '../net/networks.ts'

/** So many in a row may be mistakes. */
const atOnce = 10
/** From then on one in so long. */
const eachUs = 5_000_000
/** Sources that are remembered; one more takes the place of the one that was heard of first. */
const mostSources = 10_000

/** Whoever has one IPv6 address has the 2^64 beside it too (RFC 4291 2.5.4). */
const sourceOf = (remote: string): string => {
  const ip = plainAddress(remote)
  if (!isIPv6(ip)) return ip
  const [head = ''] = ip.split('::')
  return `${head.split(':').slice(0, 4).join(':')}::/64`
}

export class Guesses {
  readonly #clock: Clock
  readonly #log: Logger
  /** When all wrong keys of a source are forgotten, monotonic microseconds. */
  readonly #until = new Map<string, number>()
  #toldUs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock
    this.#log = log
  }

  /** Seconds until a key of this source is looked at again; 0: now. */
  waitS(remote: string): number {
    const left = this.#left(sourceOf(remote)) - atOnce * eachUs
    return Math.max(0, Math.ceil(left / 1e6))
  }

  /** Its key was wrong. This host is not slowed down: somebody else's proxy may speak for everybody. */
  add(remote: string): void {
    if (isLoopback(remote)) return
    const source = sourceOf(remote)
    const left = this.#left(source) + eachUs
    this.#until.delete(source)
    if (this.#until.size >= mostSources) this.#until.delete(this.#until.keys().next().value!)
    this.#until.set(source, this.#clock.now() + left)
    if (left > atOnce * eachUs) this.#tell(source)
  }

  /** Of many sources at once a line a second is enough: all refusals are counted elsewhere. */
  #tell(source: string): void {
    const now = this.#clock.now()
    if (now - this.#toldUs < 1_000_000) return
    this.#toldUs = now
    const pace = `one in ${eachUs / 1e6} s is looked at`
    this.#log.warn({ remote: source }, `more than ${atOnce} wrong keys: ${pace}`)
  }

  #left(source: string): number {
    return Math.max(0, (this.#until.get(source) ?? 0) - this.#clock.now())
  }
}
