/** A fan-out point: one unit in, the same object to every sink, synchronously, in the order they came. */
import type { Form, Frame, MediaOf, RtpPacket } from '../media/types.ts'
import type { UnitCache } from './gop-cache.ts'
import { createHistory, type History } from './history.ts'
import type { Feed, Sink } from './types.ts'

export interface FeedOptions<F extends Form> {
  readonly form: F
  /** Packets remembered for retransmission as soon as that is asked for, a power of two; absent: none. */
  readonly historyLength?: number
  /** Keeps what a late sink needs to begin at once; absent: nothing is kept. */
  readonly cache?: UnitCache<MediaOf[F]> | undefined
  /** Runs before the first sink is attached; what it throws, `attach` throws. */
  readonly onFirst?: () => void
  readonly onLast?: () => void
}

/** Payload bytes of a frame or a packet. */
export const bytesOf = (unit: Frame | RtpPacket): number => {
  if ('payloadEnd' in unit) return unit.payloadEnd - unit.payloadStart
  let bytes = 0
  for (const part of unit.units) bytes += part.length
  return bytes
}

export class FanFeed<F extends Form> implements Feed<F> {
  readonly form: F
  /** Payload bytes of the unit that is being dispatched, counted once for all sinks. */
  unitBytes = 0
  readonly cache: UnitCache<MediaOf[F]> | undefined
  readonly #historyLength: number | undefined
  #history: History | undefined
  readonly #onFirst: (() => void) | undefined
  readonly #onLast: (() => void) | undefined
  #sinks: (Sink<MediaOf[F]> | undefined)[] = []
  #size = 0
  #depth = 0

  constructor(options: FeedOptions<F>) {
    this.form = options.form
    this.cache = options.cache
    this.#historyLength = options.historyLength
    this.#onFirst = options.onFirst
    this.#onLast = options.onLast
  }

  get size(): number {
    return this.#size
  }
  get kept(): readonly MediaOf[F][] {
    return this.cache?.units() ?? []
  }

  attach(sink: Sink<MediaOf[F]>): () => void {
    if (this.#size === 0) this.#onFirst?.()
    this.#sinks.push(sink)
    this.#size++
    return () => this.#detach(sink)
  }

  /** Returns the payload bytes of the unit. */
  push(unit: MediaOf[F]): number {
    const bytes = bytesOf(unit)
    this.#history?.add(unit as RtpPacket)
    this.cache?.add(unit, bytes)
    this.#dispatch(unit, bytes)
    return bytes
  }

  /** What comes next does not go on from what came before: nothing kept is of use. */
  forget(): void {
    this.cache?.clear()
    this.#history?.clear()
  }

  /** Whoever may ask for what was sent says so before: packets that nobody asks for are not kept. */
  remember(): void {
    if (this.#history !== undefined || this.#historyLength === undefined) return
    this.#history = createHistory(this.#historyLength)
    for (const unit of this.kept) this.#history.add(unit as RtpPacket)
  }

  /** Retransmission: the packet that was sent with this unwrapped sequence number, while it is remembered. */
  lookup(seq: number): RtpPacket | undefined {
    return this.#history?.lookup(seq)
  }

  /** The converter behind this feed broke: every sink is told and let go. */
  fail(error: unknown): void {
    for (const sink of [...this.#sinks]) if (sink !== undefined) this.#drop(sink, error)
  }

  /** A sink that joins now is not given the unit in flight; one that leaves now gets nothing more. */
  #dispatch(unit: MediaOf[F], bytes: number): void {
    const sinks = this.#sinks
    const count = sinks.length
    this.#depth++
    for (let i = 0; i < count; i++) {
      const sink = sinks[i]
      if (sink === undefined) continue
      this.unitBytes = bytes
      try {
        sink.write(unit)
      } catch (error) {
        this.#drop(sink, error)
      }
    }
    if (--this.#depth === 0 && this.#size < this.#sinks.length) this.#compact()
  }

  #drop(sink: Sink<MediaOf[F]>, error: unknown): void {
    this.#detach(sink)
    sink.failed?.(error)
  }

  #detach(sink: Sink<MediaOf[F]>): void {
    const index = this.#sinks.indexOf(sink)
    if (index < 0) return
    this.#sinks[index] = undefined
    this.#size--
    if (this.#depth === 0) this.#compact()
    if (this.#size === 0) this.#onLast?.()
  }

  #compact(): void {
    this.#sinks = this.#sinks.filter(sink => sink !== undefined)
  }
}
