/** The two converters between frames and RTP packets, one of each per codec. Pure: no timers, no I/O. */
import type { CodecParameters, Frame, RtpPacket } from '../types.ts'

export interface PacketiserOptions {
  readonly maxPayload: number
  readonly h264PacketizationMode?: 0 | 1
}
/**
 * Frames in, packets out through the callback given at creation. Sequence numbers and timestamps are its own,
 * unwrapped.
 */
export interface Packetiser {
  push(frame: Frame): void
  /** Frames that could not be written: empty ones, and access units too large for their payload format. */
  readonly framesDropped: number
}
export type PacketSink = (packet: RtpPacket) => void

/** Damage met so far. Counters only grow. */
export interface DepacketiserStats {
  readonly lost: number
  readonly reordered: number
  readonly duplicate: number
  readonly malformed: number
  readonly framesDropped: number
}
/** Packets in (reordering happens here), whole frames out. A frame with a packet missing is never emitted. */
export interface Depacketiser {
  /** `nowUs`: monotonic clock of the gateway, for the reordering window. */
  push(packet: RtpPacket, nowUs: number): void
  /** Emits what can be emitted, e.g. when the reordering window of a gap has passed. */
  poll(nowUs: number): void
  readonly stats: DepacketiserStats
}
export interface DepacketiserEvents {
  onFrame(frame: Frame): void
  /** In-band parameter sets that differ by content from those in force; the next frame carries them. */
  onParams(params: CodecParameters): void
  /** A gap was given up: video consumers need a key frame. */
  onLoss(packets: number): void
}
