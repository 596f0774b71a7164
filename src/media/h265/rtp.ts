/**
 * H.265 in RTP, RFC 7798: single NAL units, aggregation packets and fragmentation units; no DONL (sprop-max-
 * don-diff=0).
 */
import type { PacketWriter } from '../rtp/packet-writer.ts'
import type { FrameSink, PayloadReader, PayloadWriter } from '../rtp/payload.ts'
import { payloadBytes, UnitCollector } from '../rtp/unit-collector.ts'
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

const writeAggregate = (
  units: readonly Uint8Array[],
  from: number,
  to: number,
  size: number,
  out: PacketWriter,
): void => {
  let at = out.open(size)
  const bytes = out.bytes
  const header = aggregateHeader(units, from, to)
  bytes[at] = header >> 8
  bytes[at + 1] = header
  at += NAL_HEADER_BYTES
  for (let i = from; i < to; i += 1) {
    const unit = units[i]!
    bytes[at] = unit.length >> 8
    bytes[at + 1] = unit.length
    bytes.set(unit, at + 2)
    at += 2 + unit.length
  }
}

/** Packs units from `from` on that fit one packet together; returns the index after the last. */
const writeTogether = (
  units: readonly Uint8Array[],
  from: number,
  maxPayload: number,
  out: PacketWriter,
): number => {
  let size = NAL_HEADER_BYTES + 2 + units[from]!.length
  let to = from + 1
  while (to < units.length && size + 2 + units[to]!.length <= maxPayload) {
    size += 2 + units[to]!.length
    to += 1
  }
  if (to - from > 1) writeAggregate(units, from, to, size, out)
  else out.copy(units[from]!, 0, units[from]!.length, 0)
  return to
}

export const createH265Writer = (maxPayload: number): PayloadWriter => ({
  write: (frame, out) => {
    const units = unitsOnWire(frame)
    for (let i = 0; i < units.length; ) {
      if (units[i]!.length <= maxPayload) i = writeTogether(units, i, maxPayload, out)
      else writeFragments(units[i++]!, maxPayload, out)
    }
    return units.length > 0
  },
})

const readAggregate = (packet: RtpPacket, into: UnitCollector): boolean => {
  const { bytes, payloadEnd } = packet
  let at = packet.payloadStart + NAL_HEADER_BYTES
  while (at + 2 < payloadEnd) {
    const length = (bytes[at]! << 8) | bytes[at + 1]!
    if (length < NAL_HEADER_BYTES || at + 2 + length > payloadEnd) return false
    into.whole(bytes, at + 2, at + 2 + length)
    at += 2 + length
  }
  return at === payloadEnd
}

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
  if (type === HEVC_NAL.aggregation) return readAggregate(packet, into)
  into.whole(bytes, payloadStart, payloadEnd)
  return true
}

const readUnits = (packets: readonly RtpPacket[]): readonly Uint8Array[] | undefined => {
  const collector = new UnitCollector(payloadBytes(packets))
  for (const packet of packets) if (!readPacket(packet, collector)) return undefined
  return collector.open ? undefined : collector.units
}

/**
 * Reads access units; parameter sets go into `params` and come out as new parameters when their content
 * changed.
 */
export const createH265Reader = (params: H265Parameters): PayloadReader => {
  const sets = new H265ParameterSets(params)
  let spsInBand = false
  /** Can the key frame in `units` be decoded with the parameter sets there are? */
  const isDecodable = (units: readonly Uint8Array[], afterGap: boolean): boolean => {
    const hasSps = units.some(unit => h265NalType(unit) === HEVC_NAL.sps)
    spsInBand ||= hasSps
    if (hasSps || !isH265Key(units)) return true
    // A source that sends its parameter sets in front of each IRAP picture may have sent new ones in the gap.
    return sets.params.sps !== undefined && !(afterGap && spsInBand)
  }
  const takeSets = (units: readonly Uint8Array[], out: FrameSink): void => {
    for (const unit of units) sets.add(unit)
    if (sets.update()) out.params(sets.params)
  }
  return {
    framePerPacket: false,
    isHead: ({ bytes, payloadStart, payloadEnd }) => isHeadH265Payload(bytes, payloadStart, payloadEnd),
    read: (packets, out, afterGap) => {
      const units = readUnits(packets)
      if (units === undefined || !isDecodable(units, afterGap)) return false
      takeSets(units, out)
      if (units.some(isH265Slice))
        out.frame(units.filter(isH265FrameUnit), packets[0]!.ts, 0, isH265Key(units))
      return true
    },
  }
}
