/**
 * VP9 in RTP, RFC 9628: one spatial layer out; any layers in, joined to the superframe that decoders take.
 */
import type { PayloadReader, PayloadWriter } from '../rtp/payload.ts'
import type { RtpPacket, VpxParameters } from '../types.ts'
import { createVpxReader } from '../vpx/rtp-reader.ts'
import { readVp9Header } from './header.ts'
import { isHeadVp9Payload, readVp9Descriptor } from './payload.ts'
import { joinLayers, type LayerFrame } from './superframe.ts'

/** I with a picture id of 15 bits. */
const DESCRIPTOR_BYTES = 3
const HAS_PICTURE_ID = 0x80
const INTER_PREDICTED = 0x40
const START_OF_FRAME = 0x08
const END_OF_FRAME = 0x04

export const createVp9Writer = (maxPayload: number): PayloadWriter => {
  let pictureId = 0
  return {
    write: (frame, out) => {
      const data = frame.units[0]
      if (data === undefined || data.length === 0) return false
      const step = maxPayload - DESCRIPTOR_BYTES
      const flags = HAS_PICTURE_ID | (frame.key ? 0 : INTER_PREDICTED)
      for (let from = 0; from < data.length; from += step) {
        const to = Math.min(from + step, data.length)
        const at = out.copy(data, from, to, DESCRIPTOR_BYTES)
        const edges = (from === 0 ? START_OF_FRAME : 0) | (to === data.length ? END_OF_FRAME : 0)
        out.bytes[at] = flags | edges
        out.bytes[at + 1] = 0x80 | (pictureId >> 8)
        out.bytes[at + 2] = pictureId
      }
      pictureId = (pictureId + 1) & 0x7fff
      return true
    },
  }
}

/** The layer frames of one picture. undefined: a descriptor is damaged, or starts and ends do not match. */
const readLayers = (packets: readonly RtpPacket[]): LayerFrame[] | undefined => {
  const layers: LayerFrame[] = []
  let parts: Uint8Array[] | undefined
  for (const { bytes, payloadStart, payloadEnd } of packets) {
    const descriptor = readVp9Descriptor(bytes, payloadStart, payloadEnd)
    if (descriptor === undefined || descriptor.startOfFrame === (parts !== undefined)) return undefined
    parts ??= []
    parts.push(bytes.subarray(payloadStart + descriptor.size, payloadEnd))
    if (!descriptor.endOfFrame) continue
    layers.push(parts)
    parts = undefined
  }
  return parts === undefined ? layers : undefined
}

const readPicture = (packets: readonly RtpPacket[]): Uint8Array | undefined => {
  const layers = readLayers(packets)
  return layers && joinLayers(layers)
}

export const createVp9Reader = (initial: VpxParameters): PayloadReader =>
  createVpxReader(initial, { isHead: isHeadVp9Payload, join: readPicture, readHeader: readVp9Header })
