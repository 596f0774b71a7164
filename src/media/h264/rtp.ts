/** H.264 in RTP, RFC 6184: single NAL units, STAP-A and FU-A; packetization modes 0 and 1. */

import type { PacketWriter } from '../rtp/packet-writer.ts'
import type { FrameSink, PayloadReader, PayloadWriter } from '../rtp/payload.ts'
import { payloadBytes, UnitCollector } from '../rtp/unit-collector.ts'
import type { Frame, H264Parameters, RtpPacket } from '../types.ts'
import { H264ParameterSets } from './parameters.ts'
import { isHeadH264Payload } from './payload.ts'
import { h264NalType, isH264FrameUnit, isH264Key, isH264Slice, NAL } from './units.ts'

const STAP_HEADER_BYTES = 1
const FU_HEADER_BYTES = 2

/** Units of a frame as they go on the wire: parameter sets in front of an IDR. */
const unitsOnWire = (frame: Frame): readonly Uint8Array[] => {
  if (!frame.key || frame.params.codec !== 'h264' || frame.params.sps === undefined) return frame.units
  return [frame.params.sps, ...frame.params.pps, ...frame.units]
}

const writeFragments = (unit: Uint8Array, maxPayload: number, out: PacketWriter): void => {
  const indicator = (unit[0]! & 0x60) | NAL.fuA
  const type = unit[0]! & 0x1f
  const step = maxPayload - FU_HEADER_BYTES
  for (let from = 1; from < unit.length; from += step) {
    const to = Math.min(from + step, unit.length)
    const at = out.copy(unit, from, to, FU_HEADER_BYTES)
    out.bytes[at] = indicator
    out.bytes[at + 1] = (from === 1 ? 0x80 : 0) | (to === unit.length ? 0x40 : 0) | type
  }
}

/** One STAP-A of units[from, to), whose payload takes `size` bytes. */
const writeAggregate = (
  units: readonly Uint8Array[],
  from: number,
  to: number,
  size: number,
  out: PacketWriter,
): void => {
  let at = out.open(size)
  const bytes = out.bytes
  const head = at
  let flags = 0
  at += STAP_HEADER_BYTES
  for (let i = from; i < to; i += 1) {
    const unit = units[i]!
    bytes[at] = unit.length >> 8
    bytes[at + 1] = unit.length
    bytes.set(unit, at + 2)
    at += 2 + unit.length
    // F is the OR and NRI the maximum of what is inside, section 5.7.1.
    flags = Math.max(flags & 0x60, unit[0]! & 0x60) | ((flags | unit[0]!) & 0x80)
  }
  bytes[head] = flags | NAL.stapA
}

/** Packs units from `from` on that fit one packet together; returns the index after the last. */
const writeTogether = (
  units: readonly Uint8Array[],
  from: number,
  maxPayload: number,
  out: PacketWriter,
): number => {
  let size = STAP_HEADER_BYTES + 2 + units[from]!.length
  let to = from + 1
  while (to < units.length && size + 2 + units[to]!.length <= maxPayload) {
    size += 2 + units[to]!.length
    to += 1
  }
  if (to - from > 1) writeAggregate(units, from, to, size, out)
  else out.copy(units[from]!, 0, units[from]!.length, 0)
  return to
}

/** Mode 1: aggregates small units, fragments large ones. Mode 0: one unit per packet, or not at all. */
export const createH264Writer = (maxPayload: number, mode: 0 | 1): PayloadWriter => {
  let broken = false
  const writeSingles = (units: readonly Uint8Array[], key: boolean, out: PacketWriter): boolean => {
    const fits = units.every(unit => unit.length <= maxPayload)
    broken = !fits || (broken && !key)
    if (broken) return false
    for (const unit of units) out.copy(unit, 0, unit.length, 0)
    return true
  }
  const writeUnits = (units: readonly Uint8Array[], out: PacketWriter): boolean => {
    for (let i = 0; i < units.length; ) {
      if (units[i]!.length <= maxPayload) i = writeTogether(units, i, maxPayload, out)
      else writeFragments(units[i++]!, maxPayload, out)
    }
    return true
  }
  return {
    write: (frame, out) => {
      const units = unitsOnWire(frame)
      return mode === 0 ? writeSingles(units, frame.key, out) : writeUnits(units, out)
    },
  }
}

const readAggregate = (packet: RtpPacket, into: UnitCollector): boolean => {
  const { bytes, payloadEnd } = packet
  let at = packet.payloadStart + STAP_HEADER_BYTES
  while (at + 2 < payloadEnd) {
    const length = (bytes[at]! << 8) | bytes[at + 1]!
    if (length === 0 || at + 2 + length > payloadEnd) return false
    into.whole(bytes, at + 2, at + 2 + length)
    at += 2 + length
  }
  return at === payloadEnd
}

const readFragment = (packet: RtpPacket, into: UnitCollector): boolean => {
  const { bytes, payloadStart, payloadEnd } = packet
  if (payloadEnd - payloadStart <= FU_HEADER_BYTES) return false
  const header = bytes[payloadStart + 1]!
  const isStart = header > 0x7f
  if (isStart === into.open) return false
  if (isStart) {
    into.begin()
    into.byte((bytes[payloadStart]! & 0xe0) | (header & 0x1f))
  }
  into.append(bytes, payloadStart + FU_HEADER_BYTES, payloadEnd)
  if (header & 0x40) into.finish()
  return true
}

const readPacket = (packet: RtpPacket, into: UnitCollector): boolean => {
  const { bytes, payloadStart, payloadEnd } = packet
  const type = bytes[payloadStart]! & 0x1f
  if (type === NAL.fuA) return readFragment(packet, into)
  if (into.open) return false
  if (type === NAL.stapA) return readAggregate(packet, into)
  if (type === 0 || type > NAL.stapA) return false
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
export const createH264Reader = (params: H264Parameters): PayloadReader => {
  const sets = new H264ParameterSets(params)
  let spsInBand = false
  /** Can the key frame in `units` be decoded with the parameter sets there are? */
  const isDecodable = (units: readonly Uint8Array[], afterGap: boolean): boolean => {
    const hasSps = units.some(unit => h264NalType(unit) === NAL.sps)
    spsInBand ||= hasSps
    if (hasSps || !isH264Key(units)) return true
    // A source that sends its SPS in front of each IDR may have sent a new one in the gap.
    return sets.params.sps !== undefined && !(afterGap && spsInBand)
  }
  const takeSets = (units: readonly Uint8Array[], out: FrameSink): void => {
    for (const unit of units) sets.add(unit)
    if (sets.update()) out.params(sets.params)
  }
  return {
    framePerPacket: false,
    isHead: ({ bytes, payloadStart, payloadEnd }) => isHeadH264Payload(bytes, payloadStart, payloadEnd),
    read: (packets, out, afterGap) => {
      const units = readUnits(packets)
      if (units === undefined || !isDecodable(units, afterGap)) return false
      takeSets(units, out)
      if (units.some(isH264Slice))
        out.frame(units.filter(isH264FrameUnit), packets[0]!.ts, 0, isH264Key(units))
      return true
    },
  }
}
