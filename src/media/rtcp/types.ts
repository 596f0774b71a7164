/** RTCP packets as plain data (RFC 3550 6, RFC 4585, RFC 5104). 32-bit values are as on the wire. */

/** What one receiver says of one sender (RFC 3550 6.4.1). */
export interface ReportBlock {
  readonly ssrc: number
  /** Lost since the last report, in 1/256. */
  readonly fractionLost: number
  /** Signed: duplicates can make it negative. */
  readonly cumulativeLost: number
  /** Highest sequence number with its cycles in the upper half. */
  readonly highestSequence: number
  /** Timestamp units. */
  readonly jitter: number
  /** Middle 32 bits of the NTP time of the last sender report; 0 when there was none. */
  readonly lastSenderReport: number
  /** Since that report came in, in 1/65536 s. */
  readonly delaySinceLastSenderReport: number
}

export interface SenderReport {
  readonly type: 'sender-report'
  readonly ssrc: number
  /** Sender's wall clock, microseconds since the Unix epoch. */
  readonly wall: number
  /** Middle 32 bits of the NTP time as on the wire: what the peer echoes. */
  readonly ntpMiddle: number
  /** RTP timestamp of that very moment. */
  readonly timestamp: number
  readonly packets: number
  readonly bytes: number
  readonly blocks: readonly ReportBlock[]
}
export interface ReceiverReport {
  readonly type: 'receiver-report'
  readonly ssrc: number
  readonly blocks: readonly ReportBlock[]
}
/** One chunk: the canonical name of one source. */
export interface SourceDescription {
  readonly type: 'source-description'
  readonly ssrc: number
  readonly cname: string
}
export interface Bye {
  readonly type: 'bye'
  readonly ssrcs: readonly number[]
  readonly reason: string
}
/** RFC 4585 6.2.1. Sequence numbers of 16 bits. */
export interface Nack {
  readonly type: 'nack'
  readonly sender: number
  readonly media: number
  readonly sequences: readonly number[]
}
/** RFC 4585 6.3.1. */
export interface PictureLoss {
  readonly type: 'picture-loss'
  readonly sender: number
  readonly media: number
}
/** RFC 5104 4.3.1. `sequence` tells a new request from a repeated one. */
export interface FullIntraRequest {
  readonly type: 'full-intra-request'
  readonly sender: number
  readonly requests: readonly { readonly ssrc: number; readonly sequence: number }[]
}
/** REMB (draft-alvestrand-rmcat-remb). */
export interface BitrateEstimate {
  readonly type: 'bitrate-estimate'
  readonly sender: number
  readonly bitsPerSecond: number
  readonly ssrcs: readonly number[]
}
/** Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01). Written only. */
export interface TransportFeedback {
  readonly type: 'transport-feedback'
  readonly sender: number
  readonly media: number
  /** Transport-wide sequence number of the first entry, 16 bits. */
  readonly baseSequence: number
  /** Counts feedback packets, 8 bits. */
  readonly feedbackCount: number
  /** Arrival of each packet from the base on, in units of 250 µs from one fixed moment; undefined: not received. */
  readonly arrivals: readonly (number | undefined)[]
}

export type RtcpPacket =
  | SenderReport
  | ReceiverReport
  | SourceDescription
  | Bye
  | Nack
  | PictureLoss
  | FullIntraRequest
  | BitrateEstimate
  | TransportFeedback
