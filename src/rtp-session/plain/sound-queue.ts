/** Sound of any packet time, cut anew to packets of 20 ms, or as much of it as fits one. */

/** One packet to be. */
export interface SoundBlock {
  readonly payload: Uint8Array
  /** Tick of the source at which it begins, and how many it lasts. */
  readonly ts: number
  readonly ticks: number
  /** How much later than its first tick its last part was sent, in ticks of the source. */
  readonly spread: number
}

const PACKET_S = 0.02
/** What fits one Ethernet frame with SRTP and IPv6. */
const MAX_PAYLOAD_BYTES = 1200

/** Ticks of one packet. `tickBytes`: of all channels; undefined: packets are never cut. */
export const packetTicks = (clockRate: number, tickBytes: number | undefined): number => {
  let ticks = Math.round(clockRate * PACKET_S)
  while (tickBytes !== undefined && ticks * tickBytes > MAX_PAYLOAD_BYTES) ticks = ticks >> 1
  return ticks
}

export interface SoundQueue {
  /** What follows what was pushed before; `sentTs`: the tick at which its packet began. */
  push(payload: Uint8Array, ts: number, ticks: number, sentTs: number): void
  /** The next packet that is complete. */
  shift(): SoundBlock | undefined
  /** What comes next does not follow. */
  clear(): void
}

/** Codecs that cannot be cut: as it comes. */
class WholePackets implements SoundQueue {
  readonly #blocks: SoundBlock[] = []

  push(payload: Uint8Array, ts: number, ticks: number): void {
    this.#blocks.push({ payload, ts, ticks, spread: 0 })
  }
  shift(): SoundBlock | undefined {
    return this.#blocks.shift()
  }
  clear(): void {
    this.#blocks.length = 0
  }
}

class CutBytes implements SoundQueue {
  readonly #blocks: SoundBlock[] = []
  readonly #tickBytes: number
  readonly #ticks: number
  #filling: Uint8Array
  #filled = 0
  /** Tick of the block being filled. */
  #ts = 0

  constructor(tickBytes: number, ticks: number) {
    this.#tickBytes = tickBytes
    this.#ticks = ticks
    this.#filling = new Uint8Array(ticks * tickBytes)
  }

  push(payload: Uint8Array, ts: number, ticks: number, sentTs: number): void {
    // Most senders send 20 ms themselves: nothing is copied.
    if (this.#filled === 0 && ticks === this.#ticks) {
      this.#blocks.push({ payload, ts, ticks, spread: sentTs - ts })
      return
    }
    for (let at = 0; at < payload.length; ) at += this.#fill(payload, at, ts, sentTs)
  }

  shift(): SoundBlock | undefined {
    return this.#blocks.shift()
  }

  clear(): void {
    this.#blocks.length = 0
    this.#filled = 0
  }

  #fill(payload: Uint8Array, at: number, ts: number, sentTs: number): number {
    if (this.#filled === 0) this.#ts = ts + at / this.#tickBytes
    const count = Math.min(this.#filling.length - this.#filled, payload.length - at)
    this.#filling.set(payload.subarray(at, at + count), this.#filled)
    this.#filled += count
    if (this.#filled === this.#filling.length) this.#complete(sentTs)
    return count
  }

  #complete(sentTs: number): void {
    const spread = Math.max(0, sentTs - this.#ts)
    this.#blocks.push({ payload: this.#filling, ts: this.#ts, ticks: this.#ticks, spread })
    this.#filling = new Uint8Array(this.#filling.length)
    this.#filled = 0
  }
}

/** `tickBytes`: undefined where packets cannot be cut. */
export const createSoundQueue = (tickBytes: number | undefined, ticks: number): SoundQueue =>
  tickBytes === undefined ? new WholePackets() : new CutBytes(tickBytes, ticks)
