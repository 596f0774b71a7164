/** VP8 in RTP, RFC 7741. */
import type { PayloadReader, PayloadWriter } from '../rtp/payload.ts'
import { payloadBytes } from '../rtp/unit-collector.ts'
import type { RtpPacket, VpxParameters } from '../types.ts'
import { createVpxReader } from '../vpx/rtp-reader.ts'
import { readVp8Header } from './header.ts'
import { isHeadVp8Payload, vp8DescriptorSize } from './payload.ts'

/** X with a picture id of 15 bits, so that receivers can tell lost frames from lost padding. */
const DESCRIPTOR_BYTES = 4

export const createVp8Writer = (maxPayload: number): PayloadWriter => {
  let pictureId = 0
  return {
    write: (frame, out) => {
      const data = frame.units[0]
      if (data === undefined || data.length === 0) return false
      const step = maxPayload - DESCRIPTOR_BYTES
      for (let from = 0; from < data.length; from += step) {
        const at = out.copy(data, from, Math.min(from + step, data.length), DESCRIPTOR_BYTES)
        out.bytes[at] = from === 0 ? 0x90 : 0x80
        out.bytes[at + 1] = 0x80
        out.bytes[at + 2] = 0x80 | (pictureId >> 8)
        out.bytes[at + 3] = pictureId
      }
      pictureId = (pictureId + 1) & 0x7fff
      return true
    },
  }
}

const readFrame = (packets: readonly RtpPacket[]): Uint8Array | undefined => {
  const data = Buffer.allocUnsafeSlow(payloadBytes(packets))
  let length = 0
  for (const { bytes, payloadStart, payloadEnd } of packets) {
    const size = vp8DescriptorSize(bytes, payloadStart, payloadEnd)
    if (size === -1) return undefined
    data.set(bytes.subarray(payloadStart + size, payloadEnd), length)
    length += payloadEnd - payloadStart - size
  }
  return new Uint8Array(data.buffer, 0, length)
}

export const createVp8Reader = (initial: VpxParameters): PayloadReader =>
  createVpxReader(initial, { isHead: isHeadVp8Payload, join: readFrame, readHeader: readVp8Header })
