/**
 * H.265 in RTP, RFC 7798: single NAL units, aggregation packets and fragmentation units; no DONL (sprop-max-
 * don-diff=0).
 */

import { createNalReader, readNalAggregate } from '../rtp/nal-reader.ts'
import { type NalPacking, writeNalUnits } from '../rtp/nal-writer.ts'
import type { PacketWriter } from '../rtp/packet-writer.ts'
import type { PayloadReader, PayloadWriter } from '../rtp/payload.ts'
import type { UnitCollector } from '../rtp/unit-collector.ts'
import type { Frame, H265Parameters, RtpPacket } from '../types.ts'
import { H265ParameterSets } from './parameters.ts'
import { isHeadH265Payload } from './payload.ts'
import { HEVC_NAL, h265NalType, isH265FrameUnit, isH265Key, isH265Slice } from './units.ts'

const NAL_HEADER_BYTES = 2
const FU_PREFIX_BYTES = 3

/** Units of a frame as they go on the wire: parameter sets in front of an IRAP picture. */
const unitsOnWire = ({ key, params, units }: Frame): readonly Uint8Array[] => {
  if (!key || params.codec !== 'h265' || params.sps === undefined) return units
  return [...(params.vps ? [params.vps] : []), params.sps, ...params.pps, ...units]
}

const writeFragments = (unit: Uint8Array, maxPayload: number, out: PacketWriter): void => {
  const step = maxPayload - FU_PREFIX_BYTES
  const type = h265NalType(unit)
  for (let from = NAL_HEADER_BYTES; from < unit.length; from += step) {
    const to = Math.min(from + step, unit.length)
    const at = out.copy(unit, from, to, FU_PREFIX_BYTES)
    out.bytes[at] = (unit[0]! & 0x81) | (HEVC_NAL.fragment << 1)
    out.bytes[at + 1] = unit[1]!
    out.bytes[at + 2] = (from === NAL_HEADER_BYTES ? 0x80 : 0) | (to === unit.length ? 0x40 : 0) | type
  }
}

/** The lowest layer id and temporal id of what is inside, section 4.4.2. */
const aggregateHeader = (units: readonly Uint8Array[], from: number, to: number): number => {
  let layer = 0x3f
  let temporal = 7
  for (let i = from; i < to; i += 1) {
    const unit = units[i]!
    layer = Math.min(layer, ((unit[0]! & 1) << 5) | (unit[1]! >> 3))
    temporal = Math.min(temporal, unit[1]! & 7)
  }
  return (HEVC_NAL.aggregation << 9) | (layer << 3) | temporal
}

const packing: NalPacking = {
  headerBytes: NAL_HEADER_BYTES,
  writeAggregateHeader: (units, from, to, bytes, at) => {
    const header = aggregateHeader(units, from, to)
    bytes[at] = header >> 8
    bytes[at + 1] = header
  },
  writeFragments,
}

export const createH265Writer = (maxPayload: number): PayloadWriter => ({
  write: (frame, out) => {
    const units = unitsOnWire(frame)
    writeNalUnits(units, maxPayload, packing, out)
    return units.length > 0
  },
})

const readFragment = (packet: RtpPacket, into: UnitCollector): boolean => {
  const { bytes, payloadStart, payloadEnd } = packet
  if (payloadEnd - payloadStart <= FU_PREFIX_BYTES) return false
  const header = bytes[payloadStart + 2]!
  const isStart = header > 0x7f
  if (isStart === into.open) return false
  if (isStart) {
    into.begin()
    into.byte((bytes[payloadStart]! & 0x81) | ((header & 0x3f) << 1))
    into.byte(bytes[payloadStart + 1]!)
  }
  into.append(bytes, payloadStart + FU_PREFIX_BYTES, payloadEnd)
  if (header & 0x40) into.finish()
  return true
}

const readPacket = (packet: RtpPacket, into: UnitCollector): boolean => {
  const { bytes, payloadStart, payloadEnd } = packet
  if (payloadEnd - payloadStart <= NAL_HEADER_BYTES) return false
  const type = (bytes[payloadStart]! >> 1) & 0x3f
  if (type === HEVC_NAL.fragment) return readFragment(packet, into)
  if (into.open || type > HEVC_NAL.fragment) return false
  if (type === HEVC_NAL.aggregation) return readNalAggregate(packet, NAL_HEADER_BYTES, into)
  into.whole(bytes, payloadStart, payloadEnd)
  return true
}

/** Reads access units; the parameter sets of `params` are those known beforehand. */
export const createH265Reader = (params: H265Parameters): PayloadReader =>
  createNalReader({
    sets: new H265ParameterSets(params),
    readPacket,
    isHead: isHeadH265Payload,
    isSps: unit => h265NalType(unit) === HEVC_NAL.sps,
    isSlice: isH265Slice,
    isFrameUnit: isH265FrameUnit,
    isKey: isH265Key,
  })
