/** What an endpoint sends: packets of whatever source under its own SSRC, sequence numbers and time line. */
import type { ReportBlock, SenderReport } from '../../media/rtcp/types.ts'
import type { RtpPacket } from '../../media/types.ts'
import { RtpSender, type RtpSenderStats } from '../sender.ts'
import type { RtpOutgoing, RtpSource } from './types.ts'

const HEADER_BYTES = 12
/** The largest payload of a datagram, and a header. */
const MAX_BYTES = 65_535

/** Encrypts, finds the way, and sends. */
export interface Departure {
  /** Sequence number of the first packet, below 2^15 (RFC 3711 3.3.1 wants no early wrap). */
  readonly firstSequence: number
  readonly firstTimestamp: number
  /** false: it was not sent. */
  send(bytes: Uint8Array, length: number, dueUs: number | undefined): boolean
}

/** Written and sent in one go, so one is enough for all. */
const scratch = Buffer.alloc(MAX_BYTES)

export class Outgoing implements RtpOutgoing {
  readonly #departure: Departure
  readonly #sender: RtpSender
  #source: RtpSource

  constructor(ssrc: number, source: RtpSource, departure: Departure) {
    this.#departure = departure
    this.#source = source
    this.#sender = new RtpSender({
      ssrc,
      clockRate: source.clockRate,
      clock: source.clock,
      firstSequence: departure.firstSequence,
      firstTimestamp: departure.firstTimestamp,
    })
  }

  write(packet: RtpPacket, payloadType = this.#source.payloadType, dueUs?: number): void {
    const sender = this.#sender
    if (sender.isChanged) sender.rebase(packet)
    if (sender.accept(packet)) this.#write(packet, payloadType, dueUs)
  }

  retarget(source: RtpSource): void {
    this.#source = source
    this.#sender.retarget(source.clock, source.clockRate)
  }

  /** The numbers of an empty packet between those of the source. */
  insert(): { readonly sequence: number; readonly timestamp: number } {
    return this.#sender.insert()
  }

  /** Answers a NACK from the source's history. */
  nacked(sequences: readonly number[], nowUs: number): void {
    const { lookup, payloadType } = this.#source
    for (const sequence of sequences) {
      const seq = this.#sender.sourceOf(sequence, nowUs)
      if (seq === undefined) continue
      const packet = lookup?.(seq)
      this.#sender.resent(packet)
      if (packet !== undefined) this.#write(packet, payloadType, undefined)
    }
  }

  reported(block: ReportBlock, nowUs: number): void {
    this.#sender.reported(block, nowUs)
  }

  report(nowUs: number): SenderReport | undefined {
    return this.#sender.report(nowUs)
  }

  get stats(): RtpSenderStats {
    return this.#sender.stats
  }

  #write(packet: RtpPacket, payloadType: number, dueUs: number | undefined): void {
    const { sequenceOffset, timestampOffset, ssrc } = this.#sender
    const { payloadStart, payloadEnd } = packet
    const length = HEADER_BYTES + payloadEnd - payloadStart
    if (length > MAX_BYTES) return
    scratch[0] = 0x80
    scratch[1] = packet.marker ? payloadType | 0x80 : payloadType
    scratch.writeUInt16BE((packet.seq + sequenceOffset) & 0xffff, 2)
    scratch.writeUInt32BE((packet.ts + timestampOffset) >>> 0, 4)
    scratch.writeUInt32BE(ssrc, 8)
    scratch.set(packet.bytes.subarray(payloadStart, payloadEnd), HEADER_BYTES)
    this.#departure.send(scratch, length, dueUs)
  }
}
