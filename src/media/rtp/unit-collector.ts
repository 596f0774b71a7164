import type { RtpPacket } from '../types.ts'

/** Sum of the payload sizes. */
export const payloadBytes = (packets: readonly RtpPacket[]): number => {
  let size = 0
  for (const packet of packets) size += packet.payloadEnd - packet.payloadStart
  return size
}

/**
 * Units of one frame, written one after the other into one buffer that is big enough for all of its payloads.
 */
export class UnitCollector {
  readonly units: Uint8Array[] = []
  readonly #out: Uint8Array<ArrayBuffer>
  #at = 0
  #unitStart = 0
  /** A unit has begun and not ended. */
  open = false

  constructor(capacity: number) {
    this.#out = new Uint8Array(Buffer.allocUnsafeSlow(capacity).buffer)
  }

  begin(): void {
    this.#unitStart = this.#at
    this.open = true
  }

  byte(value: number): void {
    this.#out[this.#at] = value
    this.#at += 1
  }

  append(bytes: Uint8Array, from: number, to: number): void {
    this.#out.set(bytes.subarray(from, to), this.#at)
    this.#at += to - from
  }

  finish(): void {
    this.units.push(this.#out.subarray(this.#unitStart, this.#at))
    this.open = false
  }

  whole(bytes: Uint8Array, from: number, to: number): void {
    this.begin()
    this.append(bytes, from, to)
    this.finish()
  }
}
