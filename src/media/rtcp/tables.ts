/** RTCP packet types (RFC 3550 12.1, RFC 4585 6.1) and feedback formats. */
export const RTCP_TYPE = {
  senderReport: 200,
  receiverReport: 201,
  sourceDescription: 202,
  bye: 203,
  transportFeedback: 205,
  payloadFeedback: 206,
} as const

export const FEEDBACK_FORMAT = {
  /** Under transportFeedback. */
  nack: 1,
  transportWide: 15,
  /** Under payloadFeedback. */
  pictureLoss: 1,
  fullIntraRequest: 4,
  applicationLayer: 15,
} as const

/** "REMB". */
export const REMB_IDENTIFIER = 0x52454d42
