/** AAC in RTP, RFC 3640 mode AAC-hbr: sizeLength 13, indexLength 3, indexDeltaLength 3, no interleaving. */
import type { FrameSink, PayloadReader, PayloadWriter } from '../rtp/payload.ts'
import type { AacParameters, RtpPacket } from '../types.ts'
import { parseAudioSpecificConfig } from './config.ts'

const HEADERS_LENGTH_BYTES = 2
const AU_HEADER_BYTES = 2
const PREFIX_BYTES = HEADERS_LENGTH_BYTES + AU_HEADER_BYTES
const MAX_UNIT_BYTES = 0x1fff

/**
 * One access unit per packet; one that is too large is fragmented, each fragment with the size of the whole.
 */
export const createAacWriter = (maxPayload: number): PayloadWriter => ({
  write: (frame, out) => {
    const data = frame.units[0]
    if (data === undefined || data.length === 0 || data.length > MAX_UNIT_BYTES) return false
    const step = maxPayload - PREFIX_BYTES
    for (let from = 0; from < data.length; from += step) {
      const at = out.copy(data, from, Math.min(from + step, data.length), PREFIX_BYTES)
      out.bytes[at] = 0
      out.bytes[at + 1] = AU_HEADER_BYTES * 8
      out.bytes[at + 2] = data.length >> 5
      out.bytes[at + 3] = data.length << 3
    }
    return true
  },
})

/** Sizes of the access units that a packet announces and where their data begins. undefined: damaged. */
const readSizes = ({
  bytes,
  payloadStart,
  payloadEnd,
}: RtpPacket): { sizes: number[]; dataAt: number } | undefined => {
  if (payloadStart + PREFIX_BYTES > payloadEnd) return undefined
  const headerBits = (bytes[payloadStart]! << 8) | bytes[payloadStart + 1]!
  const dataAt = payloadStart + HEADERS_LENGTH_BYTES + headerBits / 8
  if (headerBits === 0 || headerBits % (AU_HEADER_BYTES * 8) !== 0 || dataAt > payloadEnd) return undefined
  const sizes: number[] = []
  for (let at = payloadStart + HEADERS_LENGTH_BYTES; at < dataAt; at += AU_HEADER_BYTES) {
    if (bytes[at + 1]! & 7) return undefined
    sizes.push((bytes[at]! << 5) | (bytes[at + 1]! >> 3))
  }
  return { sizes, dataAt }
}

const readFragments = (packets: readonly RtpPacket[]): Uint8Array | undefined => {
  const first = readSizes(packets[0]!)
  const size = first?.sizes.length === 1 ? first.sizes[0]! : 0
  const unit = Buffer.allocUnsafeSlow(size)
  let length = 0
  for (const packet of packets) {
    const part = readSizes(packet)
    if (part?.sizes.length !== 1 || part.sizes[0] !== size) return undefined
    if (length + packet.payloadEnd - part.dataAt > size) return undefined
    unit.set(packet.bytes.subarray(part.dataAt, packet.payloadEnd), length)
    length += packet.payloadEnd - part.dataAt
  }
  return length === size && size > 0 ? unit : undefined
}

const readWholes = (packet: RtpPacket, frameSamples: number, out: FrameSink): boolean => {
  const found = readSizes(packet)
  if (found === undefined) return false
  const total = found.sizes.reduce((sum, size) => sum + size, 0)
  if (found.dataAt + total !== packet.payloadEnd || found.sizes.includes(0)) return false
  let at = found.dataAt
  found.sizes.forEach((size, i) => {
    out.frame([packet.bytes.subarray(at, at + size)], packet.ts + i * frameSamples, frameSamples, true)
    at += size
  })
  return true
}

/** @throws GatewayError when the AudioSpecificConfig cannot be read. */
export const createAacReader = (params: AacParameters): PayloadReader => {
  const { frameSamples } = parseAudioSpecificConfig(params.config)
  return {
    framePerPacket: false,
    // A fragment behind a gap is found out by its size, which is that of the whole access unit.
    isHead: () => true,
    read: (packets, out) => {
      if (packets.length === 1) return readWholes(packets[0]!, frameSamples, out)
      const unit = readFragments(packets)
      if (unit !== undefined) out.frame([unit], packets[0]!.ts, frameSamples, true)
      return unit !== undefined
    },
  }
}
