/**
 * Sequence numbers of sound alone. Comfort noise and digits between take numbers of their own, and what has not been
 * sent would pass for lost wherever the sound goes.
 */
import type { RtpPacket } from '../../media/types.ts'

/** So many of what is no sound are remembered, for sound that comes behind it and was sent before. */
const REMEMBERED = 16

export class SoundNumbers {
  readonly #others: number[] = []
  #taken = 0
  #newest = Number.NEGATIVE_INFINITY

  /** A number that is no sound's. One that comes late has been a gap. */
  pass(seq: number): void {
    if (seq < this.#newest) return
    this.#newest = seq
    this.#taken++
    this.#others.push(seq)
    if (this.#others.length > REMEMBERED) this.#others.shift()
  }

  /** The packet under its number among those of sound, in its bytes too: nobody has seen them yet. */
  number(packet: RtpPacket): RtpPacket {
    if (packet.seq > this.#newest) this.#newest = packet.seq
    if (this.#taken === 0) return packet
    const seq = packet.seq - this.#taken + this.#othersAfter(packet.seq)
    packet.bytes[2] = seq >> 8
    packet.bytes[3] = seq
    return { ...packet, seq }
  }

  #othersAfter(seq: number): number {
    let first = this.#others.length
    while (first > 0 && this.#others[first - 1]! > seq) first--
    return this.#others.length - first
  }
}
