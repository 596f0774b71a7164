import type { Frame } from '../types.ts'

/** nal_unit_type values, H.265 table 7-1, and the packet types of RFC 7798 section 4.4. */
export const HEVC_NAL = {
  firstIrap: 16,
  lastIrap: 21,
  lastVcl: 31,
  vps: 32,
  sps: 33,
  pps: 34,
  delimiter: 35,
  endOfSequence: 36,
  filler: 38,
  prefixSei: 39,
  aggregation: 48,
  fragment: 49,
} as const

export const h265NalType = (unit: Uint8Array): number => (unit[0]! >> 1) & 0x3f

/** A coded slice segment: the parts of a picture. */
export const isH265Slice = (unit: Uint8Array): boolean => h265NalType(unit) <= HEVC_NAL.lastVcl

/** Belongs among the units of a frame: slices and SEI, not parameter sets, delimiters, filler. */
export const isH265FrameUnit = (unit: Uint8Array): boolean => {
  if (unit.length < 2) return false
  const type = h265NalType(unit)
  return type <= HEVC_NAL.lastVcl || (type >= HEVC_NAL.prefixSei && type < HEVC_NAL.aggregation)
}

const isIrap = (type: number): boolean => type >= HEVC_NAL.firstIrap && type <= HEVC_NAL.lastIrap

/**
 * Decoding can start here: an IRAP picture (IDR, CRA, BLA). Leading pictures of a CRA are skipped by
 * decoders.
 */
export const isH265Key = (units: readonly Uint8Array[]): boolean =>
  units.some(unit => isIrap(h265NalType(unit)))

/** Sub-layer non-reference pictures have even types up to RSV_VCL_N14, section 7.4.2.2. */
const isSubLayerNonReference = (type: number): boolean => type <= 14 && type % 2 === 0

/**
 * Another frame may refer to this one. A sub-layer non-reference picture may still be referred to by higher
 * temporal layers, so only one of the highest layer (sps_max_sub_layers_minus1) counts as unreferenced.
 */
export const isH265Reference = (frame: Frame): boolean => {
  const sps = frame.params.codec === 'h265' ? frame.params.sps : undefined
  const topLayer = sps === undefined || sps.length < 3 ? 7 : (sps[2]! >> 1) & 7
  return frame.units.some(unit => {
    const type = h265NalType(unit)
    if (type > HEVC_NAL.lastVcl) return false
    return !(isSubLayerNonReference(type) && (unit[1]! & 7) - 1 === topLayer)
  })
}
