/** Calls that nobody asked for: counted, told at most once a second, and those who go on are heard no more. */
import type { Clock } from '../../core/types.ts'
import type { Logger } from '../adapter.ts'
import type { CallReason } from '../call-desk.ts'

export interface Refused {
  readonly from: string
  readonly to: string
  readonly remote: string
  readonly reason: CallReason
}

export interface RefusalsParts {
  readonly clock: Clock
  readonly log: Logger
  /** Refusals within a minute before an address is dropped for a minute. */
  readonly most: () => number
  /** Addresses that are answered whatever comes: over UDP anybody may write theirs. */
  readonly spares: (ip: string) => boolean
  /** `count`: since the last time. */
  readonly onRefused: (refused: Refused, count: number) => void
}

const MINUTE_US = 60_000_000
const SECOND_US = 1_000_000
/** Addresses that are remembered; a flood of forged ones costs no more. */
const MAX_SOURCES = 10_000

interface Behaviour {
  count: number
  since: number
  droppedUntil: number
}

export class Refusals {
  /** Requests of addresses that are dropped: not answered, or only asked to sign. */
  dropped = 0
  total = 0
  readonly #parts: RefusalsParts
  /** What can be forged counts against nothing that cannot, and drives none of it out. */
  readonly #proven = new Map<string, Behaviour>()
  readonly #written = new Map<string, Behaviour>()
  #untold = 0
  #toldAt = Number.NEGATIVE_INFINITY
  #droppingToldAt = Number.NEGATIVE_INFINITY

  constructor(parts: RefusalsParts) {
    this.#parts = parts
  }

  /** Is nothing of this address answered now, by what whoever is there did (`isProven`), or by what has its name? */
  drops(ip: string, isProven: boolean): boolean {
    const source = this.#of(isProven).get(ip)
    if (source === undefined || source.droppedUntil < this.#parts.clock.now()) return false
    if (this.#parts.spares(ip)) return false
    this.dropped++
    return true
  }

  /** It has shown that it may call. */
  forgive(ip: string, isProven: boolean): void {
    this.#of(isProven).delete(ip)
  }

  /** Counts one refusal against the address that it came from. */
  blame(ip: string, isProven: boolean): void {
    const now = this.#parts.clock.now()
    const source = behaviourOf(this.#of(isProven), ip, now)
    if (++source.count < this.#parts.most()) return
    source.count = 0
    if (this.#parts.spares(ip)) return
    source.droppedUntil = now + MINUTE_US
    if (now - this.#droppingToldAt < SECOND_US) return
    this.#droppingToldAt = now
    this.#parts.log.warn(
      { remote: ip, refusals: this.#parts.most() },
      `${ip} was refused ${this.#parts.most()} times within a minute: it gets no answer for the next`,
    )
  }

  refuse(refused: Refused): void {
    this.total++
    this.#untold++
    const now = this.#parts.clock.now()
    if (now - this.#toldAt < SECOND_US) return
    this.#toldAt = now
    const { from, to, remote, reason } = refused
    const more = this.#untold > 1 ? ` (${this.#untold} calls refused since the last line)` : ''
    this.#parts.log.warn(
      { from, to, remote, code: reason.code, refused: this.#untold },
      `call refused with ${reason.code}: ${reason.detail}${more}`,
    )
    this.#parts.onRefused(refused, this.#untold)
    this.#untold = 0
  }

  #of(isProven: boolean): Map<string, Behaviour> {
    return isProven ? this.#proven : this.#written
  }
}

const behaviourOf = (sources: Map<string, Behaviour>, ip: string, now: number): Behaviour => {
  const known = sources.get(ip)
  if (known !== undefined && now - known.since < MINUTE_US) return known
  if (sources.size >= MAX_SOURCES) sources.delete(sources.keys().next().value!)
  const fresh = { count: 0, since: now, droppedUntil: known?.droppedUntil ?? Number.NEGATIVE_INFINITY }
  sources.delete(ip)
  sources.set(ip, fresh)
  return fresh
}
