import type { VpxParameters } from '../types.ts'

/** Luma samples per picture up to which a level goes, VP9 levels annex. */
const levels: readonly (readonly [samples: number, level: number])[] = [
  [36_864, 10],
  [73_728, 11],
  [122_880, 20],
  [245_760, 21],
  [552_960, 30],
  [983_040, 31],
  [2_228_224, 41],
  [8_912_896, 51],
  [35_651_584, 61],
]
const levelOf = (samples: number): number => levels.find(([limit]) => samples <= limit)?.[1] ?? 62

/**
 * The VPCodecConfigurationRecord (with its version and flags, as in MP4 and Enhanced RTMP): 8 bit for profiles 0 and
 * 1, else 10 bit; 4:2:0; colour unspecified.
 */
export const buildVpcC = (params: VpxParameters): Uint8Array => {
  const { profile, size } = params
  const level = size === undefined ? 31 : levelOf(size.width * size.height)
  const bitDepth = profile >= 2 ? 10 : 8
  const chroma = profile === 1 || profile === 3 ? 3 : 1
  const unspecified = 2
  return Uint8Array.of(
    1,
    0,
    0,
    0,
    profile,
    level,
    (bitDepth << 4) | (chroma << 1),
    unspecified,
    unspecified,
    unspecified,
    0,
    0,
  )
}
