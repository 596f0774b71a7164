/** What a codec folder gives to the two converters. */
import type { CodecParameters, Frame, RtpPacket } from '../types.ts'
import type { PacketWriter } from './packet-writer.ts'

/** Cuts frames into packets. */
export interface PayloadWriter {
  /** false: this frame cannot be written at all; nothing of it was. */
  write(frame: Frame, out: PacketWriter): boolean
}

/** Where a payload reader puts what it found. */
export interface FrameSink {
  /** When the last packet of what is read now came in; set by whoever calls `read`. */
  arrival: number
  /** One frame. `ts` in RTP ticks of the track. */
  frame(units: readonly Uint8Array[], ts: number, duration: number, key: boolean): void
  /** The parameters that the next frames carry. */
  params(params: CodecParameters): void
}

/** Puts frames together from packets that are complete and in order. */
export interface PayloadReader {
  /**
   * true: each packet is a frame or several; false: a frame ends at the marker or where the timestamp
   * changes.
   */
  readonly framePerPacket: boolean
  /** After a gap: is this the first packet of a frame? Certain but for what `read` is told to check. */
  isHead(packet: RtpPacket): boolean
  /**
   * `afterGap`: the packet before the first one is lost, only `isHead` says that it belonged to another
   * frame.
   * @returns false when the packets are malformed; nothing was put out
   */
  read(packets: readonly RtpPacket[], out: FrameSink, afterGap: boolean): boolean
}
