import type { SenderReport } from '../../media/rtcp/types.ts'
import type { RtpHeader } from '../../media/rtp/packet.ts'

/** So many packets in a row must agree. */
const SURE = 5

/**
 * Some senders of G.722 count its 16 000 samples a second, where RFC 3551 4.5.2 wants 8000: a packet of 160 bytes takes
 * them 320 ticks. Once that is certain their times are halved.
 */
export class HalvedClock {
  #seq = 0
  #wire = 0
  #own = 0
  #streak = 0

  get isOn(): boolean {
    return this.#streak >= SURE
  }

  /** The packet's time on the clock of 8000 Hz. */
  correct({ seq, ts, payloadStart, payloadEnd }: RtpHeader): number {
    const ticks = (ts - this.#wire) | 0
    const size = payloadEnd - payloadStart
    const follows = seq === ((this.#seq + 1) & 0xffff)
    if (follows && ticks === size) this.#streak = 0
    else if (follows && ticks === 2 * size && !this.isOn) this.#streak++
    this.#own = this.isOn ? (this.#own + ticks / 2) >>> 0 : ts
    this.#seq = seq
    this.#wire = ts
    return this.#own
  }

  /** A sender report about such packets. */
  report(report: SenderReport): SenderReport {
    if (!this.isOn) return report
    return { ...report, timestamp: (this.#own + ((report.timestamp - this.#wire) | 0) / 2) >>> 0 }
  }
}
