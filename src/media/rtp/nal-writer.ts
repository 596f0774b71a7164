/** What H.264 (RFC 6184) and H.265 (RFC 7798) share when NAL units become packets: gather the small, cut the large. */
import type { PacketWriter } from './packet-writer.ts'

type Units = readonly Uint8Array[]

export interface NalPacking {
  /** Of a NAL unit, and so of an aggregate: 1 or 2. */
  readonly headerBytes: number
  /** Writes the header of the aggregate of units[from, to) to bytes[at]. */
  writeAggregateHeader(units: Units, from: number, to: number, bytes: Uint8Array, at: number): void
  /** Cuts one unit that is larger than `maxPayload`. */
  writeFragments(unit: Uint8Array, maxPayload: number, out: PacketWriter): void
}

/** One aggregate of units[from, to), whose payload takes `size` bytes. */
const writeAggregate = (
  units: Units,
  from: number,
  to: number,
  size: number,
  packing: NalPacking,
  out: PacketWriter,
): void => {
  let at = out.open(size)
  const bytes = out.bytes
  packing.writeAggregateHeader(units, from, to, bytes, at)
  at += packing.headerBytes
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
  units: Units,
  from: number,
  maxPayload: number,
  packing: NalPacking,
  out: PacketWriter,
): number => {
  let size = packing.headerBytes + 2 + units[from]!.length
  let to = from + 1
  while (to < units.length && size + 2 + units[to]!.length <= maxPayload) {
    size += 2 + units[to]!.length
    to += 1
  }
  if (to - from > 1) writeAggregate(units, from, to, size, packing, out)
  else out.copy(units[from]!, 0, units[from]!.length, 0)
  return to
}

/** Writes the units of one frame. */
export const writeNalUnits = (
  units: Units,
  maxPayload: number,
  packing: NalPacking,
  out: PacketWriter,
): void => {
  for (let i = 0; i < units.length; ) {
    if (units[i]!.length <= maxPayload) i = writeTogether(units, i, maxPayload, packing, out)
    else packing.writeFragments(units[i++]!, maxPayload, out)
  }
}
