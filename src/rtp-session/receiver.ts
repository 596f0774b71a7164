/** The receiving end of one RTP stream: what WebRTC, RTP and SIP ingest share. */
import type { ReportBlock, SenderReport } from '../media/rtcp/types.ts'
import { createRtpStreamState, type RtpHeader, readRtpHeader, toRtpPacket } from '../media/rtp/packet.ts'
import { unwrap16, unwrap32 } from '../media/time.ts'
import type { CodecId, RtpPacket } from '../media/types.ts'
import { DuplicateFilter } from './duplicate-filter.ts'
import { NackRequester } from './nack-requester.ts'
import { ReceiveStatistics } from './receive-statistics.ts'

export interface RtpReceiverOptions {
  readonly ssrc: number
  readonly codec: CodecId
  readonly clockRate: number
  readonly payloadType: number
  /** Packets in the order of arrival, each sequence number once. */
  onPacket(packet: RtpPacket): void
}

export interface RtpReceiverStats {
  readonly packets: number
  readonly bytes: number
  readonly lost: number
  readonly jitterMs: number
  readonly repaired: number
  readonly duplicates: number
  readonly malformed: number
  readonly nacks: number
  readonly givenUp: number
}

/** RFC 3550 A.1: further ahead or behind than this is no loss and no reordering, but a sender that began anew. */
const MAX_DROPOUT = 3000
const MAX_MISORDER = 1500

/** Sequence numbers skipped where a stream goes on under another SSRC: a reader sees one gap, and no more. */
const RESTART_GAP = 1

export class RtpReceiver {
  readonly payloadType: number
  readonly nacks = new NackRequester()
  readonly #options: RtpReceiverOptions
  readonly #state
  readonly #statistics: ReceiveStatistics
  #duplicatesFilter = new DuplicateFilter()
  #ssrc: number
  #repaired = 0
  #duplicates = 0
  #malformed = 0
  /** Added to what is on the wire, so that the time line goes on over a change of SSRC. */
  #seqShift = 0
  #tsShift = 0
  #restarting = false
  /** The sequence number that would confirm a jump: two packets in a row are believed. */
  #awaited = -1
  #report: { readonly ntpMiddle: number; readonly at: number } | undefined

  constructor(options: RtpReceiverOptions) {
    this.#options = options
    this.#ssrc = options.ssrc
    this.payloadType = options.payloadType
    this.#state = createRtpStreamState(options.codec)
    this.#statistics = new ReceiveStatistics(options.clockRate)
  }

  get ssrc(): number {
    return this.#ssrc
  }

  /** One packet. `bytes` become the receiver's own, and immutable once handed on. */
  receive(bytes: Uint8Array, header: RtpHeader, arrival: number): void {
    if (this.#state.begun && this.#isStray(header.seq)) return
    const own = this.#isMoved ? this.#move(bytes, header, arrival) : header
    const packet = toRtpPacket(this.#withoutPadding(bytes, own), own, arrival, this.#state)
    this.#statistics.received(packet.seq, packet.ts, arrival, own.payloadEnd - own.payloadStart)
    this.nacks.arrived(packet.seq, arrival)
    if (this.#duplicatesFilter.admit(packet.seq)) this.#options.onPacket(packet)
    else this.#duplicates++
  }

  /** A repair packet (RFC 4588 4): the original sequence number leads the payload. */
  receiveRepair(bytes: Uint8Array, header: RtpHeader, arrival: number): void {
    const size = header.payloadEnd - header.payloadStart
    // A repair stream is also used for padding, which probes the path and repairs nothing.
    if (size < 2) return
    const original = this.#unpack(bytes, header)
    const restored = readRtpHeader(original)
    if (restored === undefined) {
      this.#malformed++
      return
    }
    const before = this.#duplicates
    const { packets, bytes: counted } = this.#statistics
    this.receive(original, restored, arrival)
    if (this.#duplicates === before) this.#repaired++
    else {
      // The original came: the copy says nothing about loss.
      this.#statistics.packets = packets
      this.#statistics.bytes = counted
    }
  }

  malformed(): void {
    this.#malformed++
  }

  /** The sender goes on under another SSRC: its numbers are moved so that readers see one stream. */
  restart(ssrc: number): void {
    this.#ssrc = ssrc
    this.#restarting = this.#state.begun
    this.#duplicatesFilter = new DuplicateFilter()
    this.#statistics.restart()
    this.nacks.reset()
    this.#report = undefined
  }

  /** A sender report: where its moment lies on our time line, in ticks; undefined before the first packet. */
  senderReport(report: SenderReport, nowUs: number): number | undefined {
    this.#report = { ntpMiddle: report.ntpMiddle, at: nowUs }
    const { begun, ts } = this.#state
    return !begun || this.#restarting ? undefined : unwrap32(ts, (report.timestamp + this.#tsShift) >>> 0)
  }

  /** The block about this stream for our next report; undefined before the first packet. */
  report(nowUs: number): ReportBlock | undefined {
    if (this.#statistics.highest < 0) return undefined
    const delay = this.#report === undefined ? 0 : Math.round(((nowUs - this.#report.at) * 65536) / 1e6)
    return this.#statistics.report(this.#ssrc, this.#report?.ntpMiddle ?? 0, delay >>> 0)
  }

  get stats(): RtpReceiverStats {
    const { bytes, jitter, total } = this.#statistics
    return {
      ...total,
      bytes,
      jitterMs: (jitter * 1000) / this.#options.clockRate,
      repaired: this.#repaired,
      duplicates: this.#duplicates,
      malformed: this.#malformed,
      nacks: this.nacks.asked,
      givenUp: this.nacks.givenUp,
    }
  }

  /** true: the packet lies far from all others, and the one before it did not. */
  #isStray(wire: number): boolean {
    if (this.#restarting) return false
    const seq = (wire + this.#seqShift) & 0xffff
    const distance = unwrap16(this.#state.seq, seq) - this.#state.seq
    if (distance < MAX_DROPOUT && distance > -MAX_MISORDER) return false
    const confirmed = wire === this.#awaited
    this.#awaited = (wire + 1) & 0xffff
    if (confirmed) this.restart(this.#ssrc)
    return !confirmed
  }

  get #isMoved(): boolean {
    return this.#restarting || this.#seqShift !== 0 || this.#tsShift !== 0
  }

  /** Readers' senders take sequence number and timestamp from the bytes, so they are moved there, before publication. */
  #move(bytes: Uint8Array, header: RtpHeader, arrival: number): RtpHeader {
    if (this.#restarting) this.#join(header, arrival)
    const seq = (header.seq + this.#seqShift) & 0xffff
    const ts = (header.ts + this.#tsShift) >>> 0
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    view.setUint16(2, seq)
    view.setUint32(4, ts)
    return { ...header, seq, ts }
  }

  #join(header: RtpHeader, arrival: number): void {
    const newest = this.#state
    const elapsed = Math.round(((arrival - newest.arrival) * this.#options.clockRate) / 1e6)
    this.#restarting = false
    this.#seqShift = (newest.seq + 1 + RESTART_GAP - header.seq) & 0xffff
    this.#tsShift = (newest.ts + Math.max(1, elapsed) - header.ts) >>> 0
  }

  #withoutPadding(bytes: Uint8Array, header: RtpHeader): Uint8Array {
    if (header.payloadEnd === bytes.length) return bytes
    bytes[0]! &= ~0x20
    return bytes.subarray(0, header.payloadEnd)
  }

  /** Turns the bytes of a repair packet into those of the original, in place: the header moves up over the 2 bytes. */
  #unpack(bytes: Uint8Array, header: RtpHeader): Uint8Array {
    const sequence = bytes.subarray(header.payloadStart, header.payloadStart + 2).slice()
    bytes.copyWithin(2, 0, header.payloadStart)
    const original = bytes.subarray(2, header.payloadEnd)
    original[0]! &= ~0x20
    original[1] = (original[1]! & 0x80) | this.payloadType
    original.set(sequence, 2)
    new DataView(original.buffer, original.byteOffset).setUint32(8, this.#ssrc)
    return original
  }
}
