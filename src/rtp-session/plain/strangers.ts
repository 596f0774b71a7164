/** Counts what comes from others than the peer, and tells of it at most once a second. */
import type { UdpAddress } from '../../native/types.ts'
import type { RtpEndpointListener } from './types.ts'

const TELL_US = 1_000_000

export class Strangers {
  count = 0
  /** Turned away by the allow-list. */
  refused = 0
  readonly #listener: RtpEndpointListener
  #told = 0
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(listener: RtpEndpointListener) {
    this.#listener = listener
  }

  met(from: UdpAddress, nowUs: number): void {
    this.count++
    this.#tell(from, nowUs)
  }

  refuse(from: UdpAddress, nowUs: number): void {
    this.refused++
    this.#tell(from, nowUs)
  }

  #tell(from: UdpAddress, nowUs: number): void {
    if (nowUs - this.#toldAt < TELL_US) return
    this.#toldAt = nowUs
    const total = this.count + this.refused
    this.#listener.strangers?.(from, total - this.#told)
    this.#told = total
  }
}
