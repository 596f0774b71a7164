import { GatewayError } from '../../errors.ts'
import { concatBytes, uint16 } from '../bytes.ts'
import type { H265Parameters } from '../types.ts'
import { readH265Sps } from './sps.ts'
import { HEVC_NAL } from './units.ts'

/** HEVCDecoderConfigurationRecord, ISO/IEC 14496-15 section 8.3.3.1. */
export interface HevcConfiguration {
  /** Bytes of the length before each NAL unit: 1, 2 or 4. */
  readonly lengthSize: number
  readonly vps: readonly Uint8Array[]
  readonly sps: readonly Uint8Array[]
  readonly pps: readonly Uint8Array[]
}

const FIXED_BYTES = 23
const cutShort = (bytes: Uint8Array): GatewayError =>
  new GatewayError('malformed', `hvcC of ${bytes.length} bytes ends inside a parameter set`)

/** Parameter sets by NAL unit type; the units are copies. */
const readArrays = (bytes: Uint8Array): Map<number, Uint8Array[]> => {
  const byType = new Map<number, Uint8Array[]>()
  let at = FIXED_BYTES
  for (let array = 0; array < bytes[FIXED_BYTES - 1]!; array += 1) {
    if (at + 3 > bytes.length) throw cutShort(bytes)
    const type = bytes[at]! & 0x3f
    const count = uint16(bytes, at + 1)
    at += 3
    const units = byType.get(type) ?? []
    byType.set(type, units)
    for (let i = 0; i < count; i += 1) {
      const length = at + 2 <= bytes.length ? uint16(bytes, at) : Number.POSITIVE_INFINITY
      if (at + 2 + length > bytes.length) throw cutShort(bytes)
      if (length > 2) units.push(bytes.slice(at + 2, at + 2 + length))
      at += 2 + length
    }
  }
  return byType
}

/** Reads an hvcC record. @throws GatewayError 'malformed' when a set reaches past the end. */
export const parseHvcC = (bytes: Uint8Array): HevcConfiguration => {
  if (bytes.length < FIXED_BYTES)
    throw new GatewayError('malformed', `hvcC has ${bytes.length} bytes, needs at least ${FIXED_BYTES}`)
  const byType = readArrays(bytes)
  return {
    lengthSize: (bytes[21]! & 3) + 1,
    vps: byType.get(HEVC_NAL.vps) ?? [],
    sps: byType.get(HEVC_NAL.sps) ?? [],
    pps: byType.get(HEVC_NAL.pps) ?? [],
  }
}

const COMPLETE = 0x80
const array = (type: number, units: readonly Uint8Array[]): Uint8Array =>
  concatBytes([
    Uint8Array.of(COMPLETE | type, units.length >> 8, units.length),
    ...units.flatMap(unit => [Uint8Array.of(unit.length >> 8, unit.length), unit]),
  ])

/**
 * Builds the hvcC record with four-byte lengths.
 * @returns undefined while VPS, SPS or PPS are missing or the SPS cannot be read
 */
export const buildHvcC = (params: H265Parameters): Uint8Array | undefined => {
  const { vps, sps, pps } = params
  const info = sps && readH265Sps(sps)
  if (vps === undefined || sps === undefined || info === undefined || pps.length === 0) return undefined
  const layers = (info.temporalLayers << 3) | (info.temporalNesting ? 4 : 0) | 3
  const formats = [0xfc | info.chromaFormat, 0xf8 | (info.bitDepthLuma - 8), 0xf8 | (info.bitDepthChroma - 8)]
  return concatBytes([
    Uint8Array.of(1),
    info.profileTierLevel,
    Uint8Array.of(0xf0, 0, 0xfc, ...formats, 0, 0, layers, 3),
    array(HEVC_NAL.vps, [vps]),
    array(HEVC_NAL.sps, [sps]),
    array(HEVC_NAL.pps, pps),
  ])
}
