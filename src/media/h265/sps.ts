import { BitReader, removeEmulationPrevention } from '../bits.ts'
import type { PictureSize } from '../types.ts'
import { HEVC_NAL, h265NalType } from './units.ts'

/** What the gateway needs of a sequence parameter set, H.265 section 7.3.2.2. */
export interface H265Sps {
  readonly size: PictureSize
  /** sps_max_num_reorder_pics of the highest temporal layer. */
  readonly maxReorder: number
  readonly temporalLayers: number
  readonly temporalNesting: boolean
  /** general_profile_space … general_level_idc: the twelve bytes that hvcC repeats. */
  readonly profileTierLevel: Uint8Array
  readonly chromaFormat: number
  readonly bitDepthLuma: number
  readonly bitDepthChroma: number
}

const PROFILE_BITS = 88
const LEVEL_BITS = 8

/** The part of profile_tier_level for sub-layers, section 7.3.3. */
const skipSubLayers = (reader: BitReader, subLayers: number): void => {
  if (subLayers === 0) return
  let bits = 0
  for (let i = 0; i < 8; i += 1) {
    const present = reader.bits(2)
    if (i < subLayers) bits += (present & 2 ? PROFILE_BITS : 0) + (present & 1 ? LEVEL_BITS : 0)
  }
  reader.skip(bits)
}

const readSize = (reader: BitReader, chromaFormat: number): PictureSize => {
  const separatePlanes = chromaFormat === 3 && reader.flag()
  const width = reader.ue()
  const height = reader.ue()
  const crop = reader.flag() ? [reader.ue(), reader.ue(), reader.ue(), reader.ue()] : [0, 0, 0, 0]
  const unitX = !separatePlanes && (chromaFormat === 1 || chromaFormat === 2) ? 2 : 1
  const unitY = !separatePlanes && chromaFormat === 1 ? 2 : 1
  return { width: width - (crop[0]! + crop[1]!) * unitX, height: height - (crop[2]! + crop[3]!) * unitY }
}

const readMaxReorder = (reader: BitReader, subLayers: number): number => {
  let maxReorder = 0
  for (let i = reader.flag() ? 0 : subLayers; i <= subLayers; i += 1) {
    reader.ue()
    maxReorder = reader.ue()
    reader.ue()
  }
  return maxReorder
}

const MAX_SIDE = 16_384

/**
 * Reads an SPS NAL unit (header included). undefined when it is not one, is cut short, or has no sane size.
 */
export const readH265Sps = (nal: Uint8Array): H265Sps | undefined => {
  if (nal.length < 16 || h265NalType(nal) !== HEVC_NAL.sps) return undefined
  const payload = removeEmulationPrevention(nal, 2)
  const reader = new BitReader(payload)
  reader.skip(4)
  const subLayers = reader.bits(3)
  const temporalNesting = reader.flag()
  reader.skip(PROFILE_BITS + LEVEL_BITS)
  skipSubLayers(reader, subLayers)
  reader.ue()
  const chromaFormat = reader.ue()
  const size = readSize(reader, chromaFormat)
  const bitDepthLuma = reader.ue() + 8
  const bitDepthChroma = reader.ue() + 8
  reader.ue()
  const maxReorder = readMaxReorder(reader, subLayers)
  const sane = size.width > 0 && size.height > 0 && size.width <= MAX_SIDE && size.height <= MAX_SIDE
  if (reader.overrun || !sane || chromaFormat > 3 || maxReorder > 15) return undefined
  return {
    size,
    maxReorder,
    temporalLayers: subLayers + 1,
    temporalNesting,
    profileTierLevel: payload.slice(1, 13),
    chromaFormat,
    bitDepthLuma,
    bitDepthChroma,
  }
}
