import { ntpToWall } from './ntp.ts'
import { FEEDBACK_FORMAT, REMB_IDENTIFIER, RTCP_TYPE } from './tables.ts'
import type { ReportBlock, RtcpPacket } from './types.ts'

const BLOCK_BYTES = 24
const MAX_PACKETS = 64

/** One packet of a compound: `count` is the 5-bit field, the body lies in [start, end) of the view. */
interface Part {
  readonly view: DataView
  readonly count: number
  readonly start: number
  readonly end: number
}

const readBlocks = ({ view, count, end }: Part, at: number): ReportBlock[] | undefined => {
  if (at + count * BLOCK_BYTES > end) return undefined
  return Array.from({ length: count }, (_, index) => {
    const block = at + index * BLOCK_BYTES
    return {
      ssrc: view.getUint32(block),
      fractionLost: view.getUint8(block + 4),
      cumulativeLost: (view.getInt32(block + 4) << 8) >> 8,
      highestSequence: view.getUint32(block + 8),
      jitter: view.getUint32(block + 12),
      lastSenderReport: view.getUint32(block + 16),
      delaySinceLastSenderReport: view.getUint32(block + 20),
    }
  })
}

const readSenderReport = (part: Part): RtcpPacket | undefined => {
  const { view, start, end } = part
  if (start + 24 > end) return undefined
  const blocks = readBlocks(part, start + 24)
  const seconds = view.getUint32(start + 4)
  const fraction = view.getUint32(start + 8)
  return (
    blocks && {
      type: 'sender-report',
      ssrc: view.getUint32(start),
      wall: ntpToWall(seconds, fraction),
      ntpMiddle: view.getUint32(start + 6),
      timestamp: view.getUint32(start + 12),
      packets: view.getUint32(start + 16),
      bytes: view.getUint32(start + 20),
      blocks,
    }
  )
}

const readReceiverReport = (part: Part): RtcpPacket | undefined => {
  if (part.start + 4 > part.end) return undefined
  const blocks = readBlocks(part, part.start + 4)
  return blocks && { type: 'receiver-report', ssrc: part.view.getUint32(part.start), blocks }
}

const textOf = (view: DataView, at: number, length: number): string =>
  Buffer.from(view.buffer, view.byteOffset + at, length).toString('utf8')

/** Only the first chunk: bundled peers send one chunk per packet, and only its CNAME is of use. */
const readSourceDescription = ({ view, start, end }: Part): RtcpPacket | undefined => {
  if (start + 6 > end || view.getUint8(start + 4) !== 1) return undefined
  const length = view.getUint8(start + 5)
  if (start + 6 + length > end) return undefined
  return { type: 'source-description', ssrc: view.getUint32(start), cname: textOf(view, start + 6, length) }
}

const readBye = ({ view, count, start, end }: Part): RtcpPacket | undefined => {
  const reasonAt = start + count * 4
  if (reasonAt > end) return undefined
  const length = reasonAt < end ? Math.min(view.getUint8(reasonAt), end - reasonAt - 1) : 0
  return {
    type: 'bye',
    ssrcs: Array.from({ length: count }, (_, index) => view.getUint32(start + index * 4)),
    reason: length > 0 ? textOf(view, reasonAt + 1, length) : '',
  }
}

const readNack = ({ view, start, end }: Part): RtcpPacket => {
  const sequences: number[] = []
  for (let at = start + 8; at + 4 <= end; at += 4) {
    const first = view.getUint16(at)
    sequences.push(first)
    const mask = view.getUint16(at + 2)
    for (let bit = 0; bit < 16; bit++) if (mask & (1 << bit)) sequences.push((first + bit + 1) & 0xffff)
  }
  return { type: 'nack', sender: view.getUint32(start), media: view.getUint32(start + 4), sequences }
}

const readFullIntraRequest = ({ view, start, end }: Part): RtcpPacket => ({
  type: 'full-intra-request',
  sender: view.getUint32(start),
  requests: Array.from({ length: Math.floor((end - start - 8) / 8) }, (_, index) => ({
    ssrc: view.getUint32(start + 8 + index * 8),
    sequence: view.getUint8(start + 12 + index * 8),
  })),
})

const readBitrateEstimate = ({ view, start, end }: Part): RtcpPacket | undefined => {
  if (start + 16 > end || view.getUint32(start + 8) !== REMB_IDENTIFIER) return undefined
  const count = view.getUint8(start + 12)
  if (start + 16 + count * 4 > end) return undefined
  const packed = view.getUint32(start + 12) & 0xffffff
  return {
    type: 'bitrate-estimate',
    sender: view.getUint32(start),
    bitsPerSecond: (packed & 0x3ffff) * 2 ** (packed >>> 18),
    ssrcs: Array.from({ length: count }, (_, index) => view.getUint32(start + 16 + index * 4)),
  }
}

const readFeedback = (type: number, part: Part): RtcpPacket | undefined => {
  const { view, count: format, start, end } = part
  if (start + 8 > end) return undefined
  if (type === RTCP_TYPE.transportFeedback)
    return format === FEEDBACK_FORMAT.nack ? readNack(part) : undefined
  if (format === FEEDBACK_FORMAT.pictureLoss)
    return { type: 'picture-loss', sender: view.getUint32(start), media: view.getUint32(start + 4) }
  if (format === FEEDBACK_FORMAT.fullIntraRequest) return readFullIntraRequest(part)
  return format === FEEDBACK_FORMAT.applicationLayer ? readBitrateEstimate(part) : undefined
}

const readPart = (type: number, part: Part): RtcpPacket | undefined => {
  if (type === RTCP_TYPE.senderReport) return readSenderReport(part)
  if (type === RTCP_TYPE.receiverReport) return readReceiverReport(part)
  if (type === RTCP_TYPE.sourceDescription) return readSourceDescription(part)
  if (type === RTCP_TYPE.bye) return readBye(part)
  return type === RTCP_TYPE.transportFeedback || type === RTCP_TYPE.payloadFeedback
    ? readFeedback(type, part)
    : undefined
}

/**
 * Reads a compound packet. Types that are not known, and damaged parts, are left out; a part whose length does not
 * fit ends the reading.
 */
export const readRtcp = (bytes: Uint8Array): readonly RtcpPacket[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const packets: RtcpPacket[] = []
  let at = 0
  while (at + 4 <= bytes.length && packets.length < MAX_PACKETS) {
    const first = view.getUint8(at)
    const next = at + 4 + view.getUint16(at + 2) * 4
    if (first >> 6 !== 2 || next > bytes.length) break
    const padding = first & 0x20 && next > at + 4 ? view.getUint8(next - 1) : 0
    const end = Math.max(at + 4, next - padding)
    const packet = readPart(view.getUint8(at + 1), { view, count: first & 31, start: at + 4, end })
    if (packet !== undefined) packets.push(packet)
    at = next
  }
  return packets
}
