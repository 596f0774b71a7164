/** What H.264 (RFC 6184) and H.265 (RFC 7798) share when packets become access units. */
import type { CodecParameters, RtpPacket } from '../types.ts'
import type { FrameSink, PayloadReader } from './payload.ts'
import { payloadBytes, UnitCollector } from './unit-collector.ts'

/** Parameter sets seen so far; `update` tells whether their content changed since the last call. */
interface ParameterSets {
  readonly params: CodecParameters & { readonly sps: Uint8Array | undefined }
  add(unit: Uint8Array): void
  update(): boolean
}

export interface NalUnpacking {
  readonly sets: ParameterSets
  /** Takes the NAL units of one packet; false when the packet is malformed or out of place. */
  readPacket(packet: RtpPacket, into: UnitCollector): boolean
  isHead(bytes: Uint8Array, start: number, end: number): boolean
  isSps(unit: Uint8Array): boolean
  isSlice(unit: Uint8Array): boolean
  /** Does it belong into `Frame.units`? */
  isFrameUnit(unit: Uint8Array): boolean
  isKey(units: readonly Uint8Array[]): boolean
}

/** Units behind 16-bit lengths, after a header of `headerBytes`, each at least as long as such a header. */
export const readNalAggregate = (packet: RtpPacket, headerBytes: number, into: UnitCollector): boolean => {
  const { bytes, payloadEnd } = packet
  let at = packet.payloadStart + headerBytes
  while (at + 2 < payloadEnd) {
    const length = (bytes[at]! << 8) | bytes[at + 1]!
    if (length < headerBytes || at + 2 + length > payloadEnd) return false
    into.whole(bytes, at + 2, at + 2 + length)
    at += 2 + length
  }
  return at === payloadEnd
}

/** Reads access units; parameter sets come out as new parameters when their content changed. */
export const createNalReader = (codec: NalUnpacking): PayloadReader => {
  const { sets } = codec
  let spsInBand = false

  const readUnits = (packets: readonly RtpPacket[]): readonly Uint8Array[] | undefined => {
    const collector = new UnitCollector(payloadBytes(packets))
    for (const packet of packets) if (!codec.readPacket(packet, collector)) return undefined
    return collector.open ? undefined : collector.units
  }
  /** Can the key frame in `units` be decoded with the parameter sets there are? */
  const isDecodable = (units: readonly Uint8Array[], afterGap: boolean): boolean => {
    const hasSps = units.some(codec.isSps)
    spsInBand ||= hasSps
    if (hasSps || !codec.isKey(units)) return true
    // A source that sends its parameter sets in front of each key frame may have sent new ones in the gap.
    return sets.params.sps !== undefined && !(afterGap && spsInBand)
  }
  const takeSets = (units: readonly Uint8Array[], out: FrameSink): void => {
    for (const unit of units) sets.add(unit)
    if (sets.update()) out.params(sets.params)
  }
  return {
    framePerPacket: false,
    isHead: ({ bytes, payloadStart, payloadEnd }) => codec.isHead(bytes, payloadStart, payloadEnd),
    read: (packets, out, afterGap) => {
      const units = readUnits(packets)
      if (units === undefined || !isDecodable(units, afterGap)) return false
      takeSets(units, out)
      if (units.some(codec.isSlice))
        out.frame(units.filter(codec.isFrameUnit), packets[0]!.ts, 0, codec.isKey(units))
      return true
    },
  }
}
