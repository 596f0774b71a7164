/** The sending end of one RTP stream of one reader: what WebRTC, RTP and SIP egress share. */
import type { TrackClock } from '../core/types.ts'
import { ntpMiddle, wallToNtp } from '../media/rtcp/ntp.ts'
import type { ReportBlock, SenderReport } from '../media/rtcp/types.ts'
import { unwrap16 } from '../media/time.ts'
import type { RtpPacket } from '../media/types.ts'

/** Sender reports whose echo can still be timed. */
const REPORTS_KEPT = 8
/** A packet is not sent again within this time: two requests for one loss cross each other. */
const RESEND_SPACING_US = 15_000
const RESENDS_KEPT = 1024

export interface RtpSenderOptions {
  readonly ssrc: number
  readonly clockRate: number
  readonly clock: TrackClock
  /** First sequence number and timestamp: random, the sequence number below 2^15 (RFC 3711 3.3.1 wants no early wrap). */
  readonly firstSequence: number
  readonly firstTimestamp: number
}

/** What the reader last said of the stream. */
export interface RtpSenderStats {
  readonly packets: number
  readonly bytes: number
  readonly resent: number
  readonly nacks: number
  /** Packets asked for that were no longer, or never, there. */
  readonly unavailable: number
  readonly lost: number
  /** 0 to 1, over the last reporting interval. */
  readonly fractionLost: number
  readonly jitterMs: number
  readonly roundTripMs: number | undefined
}

/**
 * Numbers and accounts of one outgoing stream. Packets keep their own sequence numbers and timestamps; what is added
 * to them stays constant until the source changes (`retarget`), so a NACK leads back to the source packet by one
 * subtraction.
 */
export class RtpSender {
  readonly ssrc: number
  /** Added to the packet's own, modulo 2^16 and 2^32. */
  sequenceOffset = 0
  timestampOffset = 0
  #clockRate: number
  #clock: TrackClock
  /** Outgoing numbers, unwrapped, of the first packet since the last change of source, and of the newest. */
  #firstOut: number
  #newestOut: number
  #newestOutTs: number
  /** Unwrapped difference of outgoing to source sequence number. */
  #shift = 0
  #started = false
  #changed = true
  /** The newest packet, in numbers: the packet itself would keep all that lies in memory around it. */
  #hasSent = false
  #newestTs = 0
  #newestArrival = 0
  #streamTime: number | undefined
  #packets = 0
  #bytes = 0
  #resent = 0
  #nacks = 0
  #unavailable = 0
  /** Made with the first NACK. */
  #resentAt: Float64Array | undefined
  readonly #reports: { readonly middle: number; readonly at: number }[] = []
  #roundTripUs: number | undefined
  #block: ReportBlock | undefined

  constructor(options: RtpSenderOptions) {
    this.ssrc = options.ssrc
    this.#clockRate = options.clockRate
    this.#clock = options.clock
    this.#firstOut = this.#newestOut = options.firstSequence - 1
    this.#newestOutTs = options.firstTimestamp
  }

  /** The next packet comes from another source, timed by this clock; outgoing numbers go on. */
  retarget(clock: TrackClock, clockRate = this.#clockRate): void {
    if (this.#hasSent) this.#streamTime = this.#clock.toStreamTime(this.#newestTs)
    this.#clock = clock
    this.#clockRate = clockRate
    this.#changed = true
  }

  /** Outgoing numbers of a packet that no source has; what a source sends moves on by one. */
  insert(): { readonly sequence: number; readonly timestamp: number } {
    this.#newestOut++
    this.#shift++
    this.#firstOut = this.#newestOut + 1
    this.sequenceOffset = this.#shift & 0xffff
    const timestamp = this.#hasSent ? this.#newestTs + this.timestampOffset : this.#newestOutTs
    return { sequence: this.#newestOut & 0xffff, timestamp: timestamp >>> 0 }
  }

  /** true: offsets must be computed anew before `accept`. */
  get isChanged(): boolean {
    return this.#changed
  }

  /** Computes the offsets from the first packet of a source. */
  rebase(first: RtpPacket): void {
    this.#changed = false
    this.#firstOut = this.#newestOut + 1
    this.#shift = this.#firstOut - first.seq
    this.sequenceOffset = this.#shift & 0xffff
    this.timestampOffset = (this.#nextTimestamp(first) - first.ts) >>> 0
    this.#started = true
  }

  /** Accounts for a packet about to be sent. false: it is older than the first of this source and has no number. */
  accept(packet: RtpPacket): boolean {
    const out = packet.seq + this.#shift
    if (out < this.#firstOut) return false
    if (out > this.#newestOut) {
      this.#newestOut = out
      this.#hasSent = true
      this.#newestTs = packet.ts
      this.#newestArrival = packet.arrival
    }
    this.#packets++
    this.#bytes += packet.payloadEnd - packet.payloadStart
    return true
  }

  /** The unwrapped source sequence number behind an outgoing one of 16 bits; undefined: not of this source, or just sent again. */
  sourceOf(sequence: number, nowUs: number): number | undefined {
    this.#nacks++
    const out = unwrap16(this.#newestOut, sequence)
    const slot = out & (RESENDS_KEPT - 1)
    if (!this.#started || out < this.#firstOut || out > this.#newestOut) {
      this.#unavailable++
      return undefined
    }
    this.#resentAt ??= new Float64Array(RESENDS_KEPT)
    if (nowUs - this.#resentAt[slot]! < RESEND_SPACING_US) return undefined
    this.#resentAt[slot] = nowUs
    return out - this.#shift
  }

  /** Accounts for the answer to a NACK; undefined: the history no longer had it. */
  resent(packet: RtpPacket | undefined): void {
    if (packet === undefined) this.#unavailable++
    else this.#resent++
  }

  /** A report for now, on the time line of capture; undefined before the first packet or without a clock anchor. */
  report(nowUs: number): SenderReport | undefined {
    if (!this.#hasSent || this.#changed) return undefined
    const ageUs = nowUs - this.#newestArrival
    const ts = this.#newestTs + Math.max(0, Math.round((ageUs * this.#clockRate) / 1e6))
    const wall = this.#clock.toWall(ts)
    if (wall === undefined) return undefined
    const middle = ntpMiddle(wallToNtp(wall))
    this.#reports.push({ middle, at: nowUs })
    if (this.#reports.length > REPORTS_KEPT) this.#reports.shift()
    return {
      type: 'sender-report',
      ssrc: this.ssrc,
      wall,
      ntpMiddle: middle,
      timestamp: (ts + this.timestampOffset) >>> 0,
      packets: this.#packets,
      bytes: this.#bytes,
      blocks: [],
    }
  }

  /** What the reader reports of this stream (RFC 3550 6.4.1). */
  reported(block: ReportBlock, nowUs: number): void {
    this.#block = block
    const echoed = this.#reports.find(({ middle }) => middle === block.lastSenderReport)
    if (echoed === undefined) return
    const roundTrip = nowUs - echoed.at - (block.delaySinceLastSenderReport * 1e6) / 65536
    this.#roundTripUs = Math.max(0, roundTrip)
  }

  get stats(): RtpSenderStats {
    const block = this.#block
    return {
      packets: this.#packets,
      bytes: this.#bytes,
      resent: this.#resent,
      nacks: this.#nacks,
      unavailable: this.#unavailable,
      lost: block?.cumulativeLost ?? 0,
      fractionLost: (block?.fractionLost ?? 0) / 256,
      jitterMs: ((block?.jitter ?? 0) * 1000) / this.#clockRate,
      roundTripMs: this.#roundTripUs === undefined ? undefined : this.#roundTripUs / 1000,
    }
  }

  /** A new source goes on as far behind the old one as stream time did. */
  #nextTimestamp(first: RtpPacket): number {
    if (!this.#hasSent) return this.#newestOutTs
    this.#newestOutTs = (this.#newestTs + this.timestampOffset) >>> 0
    const passedUs = this.#clock.toStreamTime(first.ts) - (this.#streamTime ?? 0)
    return this.#newestOutTs + Math.max(1, Math.round((passedUs * this.#clockRate) / 1e6))
  }
}
