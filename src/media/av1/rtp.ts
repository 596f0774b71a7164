/** AV1 in RTP, AV1 RTP payload specification section 4: OBU elements, aggregated or fragmented. */
import { BitReader } from '../bits.ts'
import { equalBytes } from '../bytes.ts'
import type { PacketWriter } from '../rtp/packet-writer.ts'
import type { FrameSink, PayloadReader, PayloadWriter } from '../rtp/payload.ts'
import { payloadBytes, UnitCollector } from '../rtp/unit-collector.ts'
import type { Av1Parameters, Frame, RtpPacket } from '../types.ts'
import { isAv1FrameUnit, isAv1Key, leb128Bytes, OBU, obuType, withoutObuSize, writeLeb128 } from './obu.ts'
import { createAv1Params } from './parameters.ts'
import { isHeadAv1Payload } from './payload.ts'

const HEADER_BYTES = 1
const CONTINUES = 0x80
const CONTINUED = 0x40
const ONE_ELEMENT = 0x10
const NEW_SEQUENCE = 0x08

/**
 * OBUs as they go on the wire: without size fields, the sequence header in front of a key frame. undefined:
 * damaged.
 */
const unitsOnWire = ({ key, params, units }: Frame): readonly Uint8Array[] | undefined => {
  const plain = units.map(withoutObuSize).filter(unit => unit !== undefined)
  if (plain.length !== units.length || plain.length === 0) return undefined
  const header = key && params.codec === 'av1' ? params.sequenceHeader : undefined
  return header === undefined ? plain : [header, ...plain]
}

const writeFragments = (unit: Uint8Array, sequence: number, maxPayload: number, out: PacketWriter): void => {
  const step = maxPayload - HEADER_BYTES
  for (let from = 0; from < unit.length; from += step) {
    const to = Math.min(from + step, unit.length)
    const at = out.copy(unit, from, to, HEADER_BYTES)
    const edges = (from > 0 ? CONTINUES : sequence) | (to < unit.length ? CONTINUED : 0)
    out.bytes[at] = ONE_ELEMENT | edges
  }
}

const elementBytes = (unit: Uint8Array): number => leb128Bytes(unit.length) + unit.length

/**
 * Packs whole units from `from` on into one packet, each behind its length; returns the index after the last.
 */
const writeTogether = (
  units: readonly Uint8Array[],
  from: number,
  sequence: number,
  maxPayload: number,
  out: PacketWriter,
): number => {
  let size = HEADER_BYTES
  let to = from
  while (to < units.length && size + elementBytes(units[to]!) <= maxPayload) {
    size += elementBytes(units[to]!)
    to += 1
  }
  let at = out.open(size)
  out.bytes[at] = sequence
  at += HEADER_BYTES
  for (let i = from; i < to; i += 1) {
    at = writeLeb128(units[i]!.length, out.bytes, at)
    out.bytes.set(units[i]!, at)
    at += units[i]!.length
  }
  return to
}

export const createAv1Writer = (maxPayload: number): PayloadWriter => ({
  write: (frame, out) => {
    const units = unitsOnWire(frame)
    if (units === undefined) return false
    for (let i = 0; i < units.length; ) {
      const sequence = i === 0 && frame.key ? NEW_SEQUENCE : 0
      if (HEADER_BYTES + elementBytes(units[i]!) <= maxPayload)
        i = writeTogether(units, i, sequence, maxPayload, out)
      else writeFragments(units[i++]!, sequence, maxPayload, out)
    }
    return true
  },
})

/** Takes one element in: `starts` and `ends` say whether the OBU begins and ends in this packet. */
const readElement = (
  bytes: Uint8Array,
  from: number,
  to: number,
  starts: boolean,
  ends: boolean,
  into: UnitCollector,
): boolean => {
  if (starts === into.open) return false
  if (starts) into.begin()
  into.append(bytes, from, to)
  if (ends) into.finish()
  return true
}

const readPacket = (packet: RtpPacket, into: UnitCollector): boolean => {
  const { bytes, payloadStart, payloadEnd } = packet
  const header = bytes[payloadStart]!
  const count = (header >> 4) & 3
  const continues = (header & CONTINUES) !== 0
  const continued = (header & CONTINUED) !== 0
  const reader = new BitReader(bytes, payloadStart + HEADER_BYTES, payloadEnd)
  for (let i = 1; reader.bitsLeft > 0; i += 1) {
    const isLastCounted = i === count
    const length = isLastCounted ? reader.bitsLeft / 8 : reader.leb128()
    const from = reader.position / 8
    const to = from + length
    if (reader.overrun || to > payloadEnd) return false
    const starts = i > 1 || !continues
    const ends = to < payloadEnd || !continued
    if (!readElement(bytes, from, to, starts, ends, into)) return false
    reader.skip(length * 8)
  }
  return true
}

const readUnits = (packets: readonly RtpPacket[]): readonly Uint8Array[] | undefined => {
  const collector = new UnitCollector(payloadBytes(packets))
  for (const packet of packets) if (!readPacket(packet, collector)) return undefined
  return collector.open ? undefined : collector.units.filter(unit => unit.length > 0)
}

/**
 * Reads temporal units; a sequence header goes into `params` and comes out as new parameters when it changed.
 */
export const createAv1Reader = (initial: Av1Parameters): PayloadReader => {
  let params = initial
  const takeSequence = (unit: Uint8Array, out: FrameSink): void => {
    const plain = withoutObuSize(unit)
    if (plain === undefined || equalBytes(plain, params.sequenceHeader)) return
    params = createAv1Params(plain)
    out.params(params)
  }
  return {
    framePerPacket: false,
    isHead: ({ bytes, payloadStart, payloadEnd }) => isHeadAv1Payload(bytes, payloadStart, payloadEnd),
    read: (packets, out) => {
      const units = readUnits(packets)
      if (units === undefined) return false
      for (const unit of units) if (obuType(unit) === OBU.sequenceHeader) takeSequence(unit, out)
      const kept = units.filter(isAv1FrameUnit)
      if (kept.length > 0) out.frame(kept, packets[0]!.ts, 0, isAv1Key(kept))
      return true
    },
  }
}
