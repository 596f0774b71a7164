import type { ReportBlock } from '../media/rtcp/types.ts'

/** A time stamp so far behind is no digit and no picture out of order: the sender's clock was set back. Seconds. */
const SET_BACK_S = 60

/** Loss and jitter of one received stream, as RFC 3550 A.3 and A.8 count them. */
export class ReceiveStatistics {
  /** Of the stream as it is now: a restart begins anew. */
  packets = 0
  bytes = 0
  /** Highest sequence number so far, unwrapped; -1 before the first packet. */
  highest = -1
  /** Timestamp units. */
  jitter = 0
  readonly #clockRate: number
  #base = 0
  /** Not a number before the first. */
  #transit = Number.NaN
  #lastTs = Number.NaN
  #expectedBefore = 0
  #packetsBefore = 0
  #earlierPackets = 0
  #earlierLost = 0

  constructor(clockRate: number) {
    this.#clockRate = clockRate
  }

  /** Expected less received; negative when duplicates outnumber losses. */
  get lost(): number {
    return this.highest < 0 ? 0 : this.highest - this.#base + 1 - this.packets
  }

  /** Since the beginning, through every restart. */
  get total(): { readonly packets: number; readonly lost: number } {
    return { packets: this.#earlierPackets + this.packets, lost: this.#earlierLost + this.lost }
  }

  /** `seq` and `ts` unwrapped, `arrival` in microseconds. */
  received(seq: number, ts: number, arrival: number, bytes: number): void {
    this.packets++
    this.bytes += bytes
    if (this.highest < 0) this.#base = this.highest = seq
    else if (seq < this.#base) this.#base = seq
    if (seq < this.highest) return
    this.highest = seq
    // A digit has the time at which its key went down (RFC 4733 2.2), however long it is held, in between the sound.
    const behind = this.#lastTs - ts
    if (behind >= 0 && behind < SET_BACK_S * this.#clockRate) return
    this.#addJitter(ts, arrival)
  }

  /** The stream goes on with another SSRC or after a jump: what was lost in between is nobody's loss. */
  restart(): void {
    this.#earlierPackets += this.packets
    this.#earlierLost += this.lost
    this.packets = this.#packetsBefore = this.#expectedBefore = 0
    this.highest = -1
    this.jitter = 0
    this.#transit = Number.NaN
  }

  /** A report block; the fraction is since the last call. */
  report(ssrc: number, lastSenderReport: number, delaySinceLastSenderReport: number): ReportBlock {
    const expected = this.highest < 0 ? 0 : this.highest - this.#base + 1
    const expectedNow = expected - this.#expectedBefore
    const lostNow = expectedNow - (this.packets - this.#packetsBefore)
    this.#expectedBefore = expected
    this.#packetsBefore = this.packets
    const fraction =
      expectedNow <= 0 || lostNow <= 0 ? 0 : Math.min(255, Math.floor((lostNow * 256) / expectedNow))
    return {
      ssrc,
      fractionLost: fraction,
      cumulativeLost: this.lost,
      highestSequence: Math.max(0, this.highest) >>> 0,
      jitter: Math.round(this.jitter) >>> 0,
      lastSenderReport,
      delaySinceLastSenderReport,
    }
  }

  #addJitter(ts: number, arrival: number): void {
    this.#lastTs = ts
    const transit = (arrival * this.#clockRate) / 1e6 - ts
    if (!Number.isNaN(this.#transit)) this.jitter += (Math.abs(transit - this.#transit) - this.jitter) / 16
    this.#transit = transit
  }
}
