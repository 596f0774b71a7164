/** A destination that takes no bytes is not live, whatever its connection says. Pure: samples in, a verdict out. */
import type { EgressProgress } from '../core/types.ts'

export interface FlowSample {
  /** Monotonic microseconds. */
  readonly now: number
  /** Frames and packets that there were for the destination so far, those left out for its slowness included. */
  readonly offered: number
  /** Bytes that the operating system has taken so far. */
  readonly taken: number
  readonly acknowledged?: EgressProgress['acknowledged'] | undefined
}

export interface StallWatch {
  /** undefined: all is well; else the sentence that says since when nothing moves. */
  look(sample: FlowSample): string | undefined
}

/** A peer that reads has at most this many of its own windows outstanding, and what lies in socket buffers. */
const windowsOutstanding = 2

class Watch implements StallWatch {
  readonly #limitUs: number
  #offered = 0
  #taken = 0
  #acknowledgedTimes = 0
  /** When media was there for the first time since bytes last moved. */
  #pendingSince: number | undefined
  #silentSince: number | undefined

  constructor(limitUs: number) {
    this.#limitUs = limitUs
  }

  look(sample: FlowSample): string | undefined {
    return this.#bytes(sample) ?? this.#acknowledgements(sample)
  }

  #bytes({ now, offered, taken }: FlowSample): string | undefined {
    const moved = taken > this.#taken
    if (moved) this.#pendingSince = undefined
    else if (offered > this.#offered) this.#pendingSince ??= now
    this.#offered = offered
    this.#taken = taken
    if (this.#pendingSince === undefined || now - this.#pendingSince < this.#limitUs) return undefined
    return `no byte went out for ${seconds(now - this.#pendingSince)} while the source has media`
  }

  #acknowledgements({ now, acknowledged }: FlowSample): string | undefined {
    if (acknowledged === undefined) return undefined
    const { count, missing, window } = acknowledged
    const moved = count > this.#acknowledgedTimes
    this.#acknowledgedTimes = count
    if (moved || missing <= window * windowsOutstanding) this.#silentSince = undefined
    else this.#silentSince ??= now
    if (this.#silentSince === undefined || now - this.#silentSince < this.#limitUs) return undefined
    return `${missing} bytes are not acknowledged, and none was for ${seconds(now - this.#silentSince)}`
  }
}

const seconds = (us: number): string => `${(us / 1e6).toFixed(1)} s`

/** `limitMs`: nothing may stand still for so long. */
export const createStallWatch = (limitMs: number): StallWatch => new Watch(limitMs * 1000)
