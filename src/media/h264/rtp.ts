/** H.264 in RTP, RFC 6184: single NAL units, STAP-A and FU-A; packetization modes 0 and 1. */

import { createNalReader, readNalAggregate } from '../rtp/nal-reader.ts'
import { type NalPacking, writeNalUnits } from '../rtp/nal-writer.ts'
import type { PacketWriter } from '../rtp/packet-writer.ts'
import type { PayloadReader, PayloadWriter } from '../rtp/payload.ts'
import type { UnitCollector } from '../rtp/unit-collector.ts'
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

const packing: NalPacking = {
  headerBytes: STAP_HEADER_BYTES,
  // F is the OR and NRI the maximum of what is inside, section 5.7.1.
  writeAggregateHeader: (units, from, to, bytes, at) => {
    let flags = 0
    for (let i = from; i < to; i += 1) {
      const first = units[i]![0]!
      flags = Math.max(flags & 0x60, first & 0x60) | ((flags | first) & 0x80)
    }
    bytes[at] = flags | NAL.stapA
  },
  writeFragments,
}

const writeSingles = (units: readonly Uint8Array[], maxPayload: number, out: PacketWriter): void => {
  for (const unit of units)
    if (unit.length <= maxPayload) out.copy(unit, 0, unit.length, 0)
    else writeFragments(unit, maxPayload, out)
}

/**
 * Mode 1: aggregates small units, fragments large ones. Mode 0: one unit per packet. What does not fit one is
 * fragmented there too: section 6.2 has nothing for it, phones that say no mode read fragments, and the picture would
 * be lost to all others anyway.
 */
export const createH264Writer = (maxPayload: number, mode: 0 | 1): PayloadWriter => ({
  write: (frame, out) => {
    const units = unitsOnWire(frame)
    if (mode === 0) writeSingles(units, maxPayload, out)
    else writeNalUnits(units, maxPayload, packing, out)
    return true
  },
})

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
  if (type === NAL.stapA) return readNalAggregate(packet, STAP_HEADER_BYTES, into)
  if (type === 0 || type > NAL.stapA) return false
  into.whole(bytes, payloadStart, payloadEnd)
  return true
}

/** Reads access units; the parameter sets of `params` are those known beforehand. */
export const createH264Reader = (params: H264Parameters): PayloadReader =>
  createNalReader({
    sets: new H264ParameterSets(params),
    readPacket,
    isHead: isHeadH264Payload,
    isSps: unit => h264NalType(unit) === NAL.sps,
    isSlice: isH264Slice,
    isFrameUnit: isH264FrameUnit,
    isKey: isH264Key,
  })
