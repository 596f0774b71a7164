/** What an endpoint sends: packets of whatever source under its own SSRC, sequence numbers and time line. */
import { copyBytes, writeUint16, writeUint32 } from '../../media/bytes.ts'
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
  /** Where the next packet is to be written, from `end` on. */
  room(length: number): { readonly bytes: Uint8Array; readonly end: number }
  /** The packet is there; it leaves at once where `dueUs` does not say when. What cannot be sent is counted. */
  leave(length: number, dueUs: number | undefined): void
}

/** The 12 bytes of RFC 3550 5.1. `type`: payload type, with the marker as its highest bit. */
export const writeHeader = (
  bytes: Uint8Array,
  at: number,
  type: number,
  sequence: number,
  timestamp: number,
  ssrc: number,
): void => {
  bytes[at] = 0x80
  bytes[at + 1] = type
  writeUint16(bytes, at + 2, sequence)
  writeUint32(bytes, at + 4, timestamp)
  writeUint32(bytes, at + 8, ssrc)
}

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
    const { payloadStart, payloadEnd, marker } = packet
    const length = HEADER_BYTES + payloadEnd - payloadStart
    if (length > MAX_BYTES) return
    const { bytes, end } = this.#departure.room(length)
    const type = marker ? payloadType | 0x80 : payloadType
    writeHeader(bytes, end, type, packet.seq + sequenceOffset, packet.ts + timestampOffset, ssrc)
    copyBytes(packet.bytes, payloadStart, payloadEnd, bytes, end + HEADER_BYTES)
    this.#departure.leave(length, dueUs)
  }
}
