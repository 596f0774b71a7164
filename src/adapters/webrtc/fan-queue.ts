import type { FanOut, FanTargetId } from '../../native/types.ts'

/** Pairs that one native call takes; more than this in a turn of the event loop is sent in several calls. */
const MAX_PAIRS = 8192

/**
 * Collects what all viewers' sinks write in one turn of the event loop and sends it in one native call. The same
 * bytes written for many viewers, one after the other, count as one packet.
 */
export class FanQueue {
  readonly #fan: FanOut
  readonly #pairs = new Int32Array(MAX_PAIRS * 2)
  #packets: Uint8Array[] = []
  #last: Uint8Array | undefined
  #used = 0
  #scheduled: NodeJS.Immediate | undefined

  constructor(fan: FanOut) {
    this.#fan = fan
  }

  push(target: FanTargetId, bytes: Uint8Array): void {
    if (bytes !== this.#last) {
      this.#packets.push(bytes)
      this.#last = bytes
    }
    this.#pairs[this.#used] = target
    this.#pairs[this.#used + 1] = this.#packets.length - 1
    this.#used += 2
    if (this.#used === this.#pairs.length) this.flush()
    else this.#scheduled ??= setImmediate(this.#flushScheduled)
  }

  /** Sends what waits. Called at the end of each batch of datagrams read, and before a target goes. */
  flush(): void {
    if (this.#used === 0) return
    this.#fan.send(this.#packets, this.#packets.length, this.#pairs, this.#used / 2)
    this.#packets = []
    this.#last = undefined
    this.#used = 0
  }

  readonly #flushScheduled = (): void => {
    this.#scheduled = undefined
    this.flush()
  }
}
