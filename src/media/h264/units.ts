import type { Frame } from '../types.ts'

/** nal_unit_type values, H.264 table 7-1, and the packet types of RFC 6184 table 1. */
export const NAL = {
  slice: 1,
  idr: 5,
  sei: 6,
  sps: 7,
  pps: 8,
  delimiter: 9,
  endOfStream: 11,
  filler: 12,
  stapA: 24,
  fuA: 28,
} as const

export const h264NalType = (unit: Uint8Array): number => unit[0]! & 0x1f

/** A coded slice: the parts of a picture. */
export const isH264Slice = (unit: Uint8Array): boolean => {
  const type = h264NalType(unit)
  return type >= NAL.slice && type <= NAL.idr
}

/**
 * Belongs among the units of a frame: slices and SEI. Parameter sets live in `params`; delimiters and filler
 * go.
 */
export const isH264FrameUnit = (unit: Uint8Array): boolean => {
  if (unit.length === 0) return false
  const type = h264NalType(unit)
  return (type >= NAL.slice && type <= NAL.sei) || (type > NAL.filler && type < NAL.stapA)
}

/**
 * Decoding can start here. A recovery point SEI is not enough: what follows it may refer to what came before.
 */
export const isH264Key = (units: readonly Uint8Array[]): boolean =>
  units.some(unit => h264NalType(unit) === NAL.idr)

/** Another frame may refer to this one: nal_ref_idc is not 0 in a slice, H.264 section 7.4.1. */
export const isH264Reference = (frame: Frame): boolean =>
  frame.units.some(unit => isH264Slice(unit) && (unit[0]! & 0x60) !== 0)
