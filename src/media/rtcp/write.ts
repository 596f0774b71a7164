import { wallToNtp } from './ntp.ts'
import { FEEDBACK_FORMAT, REMB_IDENTIFIER, RTCP_TYPE } from './tables.ts'
import { writeTransportFeedback } from './transport-feedback.ts'
import type {
  BitrateEstimate,
  Bye,
  FullIntraRequest,
  Nack,
  ReportBlock,
  RtcpPacket,
  SenderReport,
  SourceDescription,
} from './types.ts'

const part = (count: number, type: number, bodyBytes: number): Buffer => {
  const out = Buffer.alloc(4 + bodyBytes)
  out[0] = 0x80 | count
  out[1] = type
  out.writeUInt16BE(bodyBytes / 4, 2)
  return out
}

const writeBlocks = (out: Buffer, at: number, blocks: readonly ReportBlock[]): Buffer => {
  blocks.forEach((block, index) => {
    const start = at + index * 24
    out.writeUInt32BE(block.ssrc, start)
    out.writeInt32BE(Math.max(-0x800000, Math.min(0x7fffff, block.cumulativeLost)) & 0xffffff, start + 4)
    out[start + 4] = block.fractionLost
    out.writeUInt32BE(block.highestSequence, start + 8)
    out.writeUInt32BE(block.jitter, start + 12)
    out.writeUInt32BE(block.lastSenderReport, start + 16)
    out.writeUInt32BE(block.delaySinceLastSenderReport, start + 20)
  })
  return out
}

const writeSenderReport = (report: SenderReport): Buffer => {
  const out = part(report.blocks.length, RTCP_TYPE.senderReport, 24 + report.blocks.length * 24)
  const ntp = wallToNtp(report.wall)
  out.writeUInt32BE(report.ssrc, 4)
  out.writeUInt32BE(ntp.seconds, 8)
  out.writeUInt32BE(ntp.fraction, 12)
  out.writeUInt32BE(report.timestamp, 16)
  out.writeUInt32BE(report.packets >>> 0, 20)
  out.writeUInt32BE(report.bytes >>> 0, 24)
  return writeBlocks(out, 28, report.blocks)
}

const writeReceiverReport = (ssrc: number, blocks: readonly ReportBlock[]): Buffer => {
  const out = part(blocks.length, RTCP_TYPE.receiverReport, 4 + blocks.length * 24)
  out.writeUInt32BE(ssrc, 4)
  return writeBlocks(out, 8, blocks)
}

const writeSourceDescription = ({ ssrc, cname }: SourceDescription): Buffer => {
  const name = Buffer.from(cname)
  const out = part(1, RTCP_TYPE.sourceDescription, (4 + 2 + name.length + 1 + 3) & ~3)
  out.writeUInt32BE(ssrc, 4)
  out[8] = 1
  out[9] = name.length
  out.set(name, 10)
  return out
}

const writeBye = ({ ssrcs, reason }: Bye): Buffer => {
  const text = Buffer.from(reason).subarray(0, 255)
  const out = part(
    ssrcs.length,
    RTCP_TYPE.bye,
    ssrcs.length * 4 + (text.length > 0 ? (text.length + 4) & ~3 : 0),
  )
  ssrcs.forEach((ssrc, index) => {
    out.writeUInt32BE(ssrc, 4 + index * 4)
  })
  if (text.length > 0) {
    out[4 + ssrcs.length * 4] = text.length
    out.set(text, 5 + ssrcs.length * 4)
  }
  return out
}

const feedback = (
  format: number,
  type: number,
  sender: number,
  media: number,
  extraBytes: number,
): Buffer => {
  const out = part(format, type, 8 + extraBytes)
  out.writeUInt32BE(sender, 4)
  out.writeUInt32BE(media, 8)
  return out
}

/** Packs ascending sequence numbers into pairs of first and bit mask of the 16 that follow. */
const packSequences = (sequences: readonly number[]): { first: number; mask: number }[] => {
  const pairs: { first: number; mask: number }[] = []
  for (const sequence of sequences) {
    const last = pairs.at(-1)
    const distance = last === undefined ? 0 : (sequence - last.first) & 0xffff
    if (last !== undefined && distance >= 1 && distance <= 16) last.mask |= 1 << (distance - 1)
    else pairs.push({ first: sequence & 0xffff, mask: 0 })
  }
  return pairs
}

const writeNack = ({ sender, media, sequences }: Nack): Buffer => {
  const pairs = packSequences(sequences)
  const out = feedback(FEEDBACK_FORMAT.nack, RTCP_TYPE.transportFeedback, sender, media, pairs.length * 4)
  pairs.forEach(({ first, mask }, index) => {
    out.writeUInt16BE(first, 12 + index * 4)
    out.writeUInt16BE(mask, 14 + index * 4)
  })
  return out
}

const writeFullIntraRequest = ({ sender, requests }: FullIntraRequest): Buffer => {
  const { fullIntraRequest } = FEEDBACK_FORMAT
  const out = feedback(fullIntraRequest, RTCP_TYPE.payloadFeedback, sender, 0, requests.length * 8)
  requests.forEach(({ ssrc, sequence }, index) => {
    out.writeUInt32BE(ssrc, 12 + index * 8)
    out[16 + index * 8] = sequence & 255
  })
  return out
}

const writeBitrateEstimate = ({ sender, bitsPerSecond, ssrcs }: BitrateEstimate): Buffer => {
  const { applicationLayer } = FEEDBACK_FORMAT
  const out = feedback(applicationLayer, RTCP_TYPE.payloadFeedback, sender, 0, 8 + ssrcs.length * 4)
  const exponent = Math.max(0, Math.ceil(Math.log2((bitsPerSecond + 1) / 0x40000)))
  out.writeUInt32BE(REMB_IDENTIFIER, 12)
  out.writeUInt32BE((exponent << 18) | Math.floor(bitsPerSecond / 2 ** exponent), 16)
  out[16] = ssrcs.length
  ssrcs.forEach((ssrc, index) => {
    out.writeUInt32BE(ssrc, 20 + index * 4)
  })
  return out
}

const writePart = (packet: RtcpPacket): Buffer => {
  switch (packet.type) {
    case 'sender-report':
      return writeSenderReport(packet)
    case 'receiver-report':
      return writeReceiverReport(packet.ssrc, packet.blocks)
    case 'source-description':
      return writeSourceDescription(packet)
    case 'bye':
      return writeBye(packet)
    case 'nack':
      return writeNack(packet)
    case 'picture-loss':
      return feedback(FEEDBACK_FORMAT.pictureLoss, RTCP_TYPE.payloadFeedback, packet.sender, packet.media, 0)
    case 'full-intra-request':
      return writeFullIntraRequest(packet)
    case 'bitrate-estimate':
      return writeBitrateEstimate(packet)
    case 'transport-feedback':
      return writeTransportFeedback(packet)
  }
}

/** Writes the packets, in this order, as one compound packet (RFC 3550 6.1; reduced size, RFC 5506, is the caller's choice). */
export const writeRtcp = (packets: readonly RtcpPacket[]): Buffer => Buffer.concat(packets.map(writePart))
