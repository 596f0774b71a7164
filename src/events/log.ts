/** The one log of events: numbered, the last ones kept, handed on in order. */
import type { Clock } from '../core/types.ts'
import type { EventFacts, EventType, GatewayEvent } from './event.ts'

export interface EventLogOptions {
  readonly clock: Clock
  /** How many are kept for those who come later. Default 1000. */
  readonly capacity?: number
  /** A listener that throws is reported and disturbs nobody. */
  readonly onError: (error: unknown) => void
}

export interface Replay {
  readonly events: readonly GatewayEvent[]
  /** Some that came after the id given are no longer there, or it is of another run. */
  readonly isIncomplete: boolean
}

export class EventLog {
  readonly #options: EventLogOptions
  readonly #capacity: number
  readonly #run: string
  readonly #listeners = new Set<(event: GatewayEvent) => void>()
  readonly #counts = new Map<EventType, number>()
  /** A ring: event n is at n modulo the capacity. */
  readonly #ring: GatewayEvent[] = []
  #last = 0

  constructor(options: EventLogOptions) {
    this.#options = options
    this.#capacity = options.capacity ?? 1000
    this.#run = Math.round(options.clock.wall() / 1000).toString(36)
  }

  /** Events so far, by type. */
  get counts(): ReadonlyMap<EventType, number> {
    return this.#counts
  }
  get readers(): number {
    return this.#listeners.size
  }

  append(type: EventType, facts: EventFacts = {}): GatewayEvent {
    const event: GatewayEvent = {
      id: `${this.#run}-${++this.#last}`,
      time: new Date(this.#options.clock.wall() / 1000).toISOString(),
      type,
      ...facts,
    }
    this.#ring[this.#last % this.#capacity] = event
    this.#counts.set(type, (this.#counts.get(type) ?? 0) + 1)
    for (const listener of [...this.#listeners]) {
      try {
        listener(event)
      } catch (error) {
        this.#options.onError(error)
      }
    }
    return event
  }

  on(listener: (event: GatewayEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** The newest, oldest first. */
  recent(count: number): readonly GatewayEvent[] {
    return this.#from(Math.max(this.#oldest, this.#last - count + 1))
  }

  /** What came after the event with this id. */
  after(id: string): Replay {
    const [, run, digits] = /^([0-9a-z]+)-(\d+)$/.exec(id) ?? []
    const seen = Number(digits)
    if (run !== this.#run || seen > this.#last)
      return { events: this.#from(this.#oldest), isIncomplete: true }
    const next = seen + 1
    return { events: this.#from(Math.max(next, this.#oldest)), isIncomplete: next < this.#oldest }
  }

  get #oldest(): number {
    return Math.max(1, this.#last - this.#capacity + 1)
  }

  #from(first: number): GatewayEvent[] {
    const events: GatewayEvent[] = []
    for (let n = first; n <= this.#last; n++) events.push(this.#ring[n % this.#capacity]!)
    return events
  }
}
