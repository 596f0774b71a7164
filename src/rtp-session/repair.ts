import type { RtpPacket } from '../media/types.ts'

const HEADER_BYTES = 12

/**
 * A repair packet (RFC 4588 4) around an original: the outgoing sequence number of the original, then its payload.
 * The header carries the repair stream's own sequence number; SSRC and payload type are the sender's to write.
 */
export const repairPacket = (original: RtpPacket, originalSequence: number, sequence: number): Uint8Array => {
  const payload = original.bytes.subarray(original.payloadStart, original.payloadEnd)
  const bytes = new Uint8Array(HEADER_BYTES + 2 + payload.length)
  const view = new DataView(bytes.buffer)
  bytes[0] = 0x80
  bytes[1] = original.marker ? 0x80 : 0
  view.setUint16(2, sequence & 0xffff)
  view.setUint32(4, original.ts >>> 0)
  view.setUint16(HEADER_BYTES, originalSequence & 0xffff)
  bytes.set(payload, HEADER_BYTES + 2)
  return bytes
}
