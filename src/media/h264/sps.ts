import { BitReader, removeEmulationPrevention } from '../bits.ts'
import type { PictureSize } from '../types.ts'

/** What the gateway needs of a sequence parameter set, H.264 section 7.3.2.1. */
export interface H264Sps {
  readonly id: number
  /** profile_idc, constraint flags and level_idc as six hexadecimal digits, RFC 6184 section 8.1. */
  readonly profileLevelId: string
  readonly size: PictureSize
  /** false: no B-frames are possible; true: the VUI announces reordering; undefined: the SPS does not say. */
  readonly reordered: boolean | undefined
  readonly maxReorder: number | undefined
  /** chroma_format_idc: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4. */
  readonly chromaFormat: number
  readonly bitDepthLuma: number
  readonly bitDepthChroma: number
}

const BASELINE = 66
/** profile_idc values that carry chroma format and scaling lists. */
const highProfiles: ReadonlySet<number> = new Set([
  100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135,
])

const skipScalingList = (reader: BitReader, size: number): void => {
  let next = 8
  for (let i = 0; i < size && next !== 0 && !reader.overrun; i += 1) next = (next + reader.se() + 256) & 255
}

interface SampleFormat {
  readonly chromaFormat: number
  readonly separatePlanes: boolean
  readonly bitDepthLuma: number
  readonly bitDepthChroma: number
}
const plainFormat: SampleFormat = {
  chromaFormat: 1,
  separatePlanes: false,
  bitDepthLuma: 8,
  bitDepthChroma: 8,
}

const readSampleFormat = (reader: BitReader): SampleFormat => {
  const chromaFormat = reader.ue()
  const separatePlanes = chromaFormat === 3 && reader.flag()
  const bitDepthLuma = reader.ue() + 8
  const bitDepthChroma = reader.ue() + 8
  reader.skip(1)
  if (reader.flag()) {
    const lists = chromaFormat === 3 ? 12 : 8
    for (let i = 0; i < lists; i += 1) if (reader.flag()) skipScalingList(reader, i < 6 ? 16 : 64)
  }
  return { chromaFormat, separatePlanes, bitDepthLuma, bitDepthChroma }
}

/** Returns pic_order_cnt_type. */
const readPictureOrder = (reader: BitReader): number => {
  const type = reader.ue()
  if (type === 0) reader.ue()
  if (type !== 1) return type
  reader.skip(1)
  reader.se()
  reader.se()
  const cycle = Math.min(reader.ue(), 255)
  for (let i = 0; i < cycle; i += 1) reader.se()
  return type
}

/** Size in luma samples after cropping, section 7.4.2.1.1; ends before the VUI flag. */
const readSize = (reader: BitReader, format: SampleFormat): PictureSize => {
  const width = (reader.ue() + 1) * 16
  const heightInUnits = (reader.ue() + 1) * 16
  const framesOnly = reader.flag()
  if (!framesOnly) reader.skip(1)
  reader.skip(1)
  const fields = framesOnly ? 1 : 2
  const crop = reader.flag() ? [reader.ue(), reader.ue(), reader.ue(), reader.ue()] : [0, 0, 0, 0]
  const chroma = format.separatePlanes ? 0 : format.chromaFormat
  const unitX = chroma === 1 || chroma === 2 ? 2 : 1
  const unitY = (chroma === 1 ? 2 : 1) * fields
  return {
    width: width - (crop[0]! + crop[1]!) * unitX,
    height: heightInUnits * fields - (crop[2]! + crop[3]!) * unitY,
  }
}

const skipHrd = (reader: BitReader): void => {
  const count = Math.min(reader.ue(), 31) + 1
  reader.skip(8)
  for (let i = 0; i < count; i += 1) {
    reader.ue()
    reader.ue()
    reader.skip(1)
  }
  reader.skip(20)
}

const skipVideoSignal = (reader: BitReader): void => {
  reader.skip(4)
  if (reader.flag()) reader.skip(24)
}

/** max_num_reorder_frames, Annex E.1.1; undefined without bitstream restriction. */
const readMaxReorder = (reader: BitReader): number | undefined => {
  if (!reader.flag()) return undefined
  const extendedAspect = 255
  if (reader.flag() && reader.bits(8) === extendedAspect) reader.skip(32)
  if (reader.flag()) reader.skip(1)
  if (reader.flag()) skipVideoSignal(reader)
  if (reader.flag()) {
    reader.ue()
    reader.ue()
  }
  if (reader.flag()) reader.skip(65)
  const nalHrd = reader.flag()
  if (nalHrd) skipHrd(reader)
  const vclHrd = reader.flag()
  if (vclHrd) skipHrd(reader)
  if (nalHrd || vclHrd) reader.skip(1)
  reader.skip(1)
  if (!reader.flag()) return undefined
  reader.skip(1)
  for (let i = 0; i < 4; i += 1) reader.ue()
  const maxReorder = reader.ue()
  return reader.overrun ? undefined : maxReorder
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0')
const MAX_SIDE = 16_384
const isSane = ({ width, height }: PictureSize): boolean =>
  width > 0 && height > 0 && width <= MAX_SIDE && height <= MAX_SIDE

/**
 * Reads an SPS NAL unit (header byte included). undefined when it is not one, is cut short, or has no sane
 * size.
 */
export const readH264Sps = (nal: Uint8Array): H264Sps | undefined => {
  if (nal.length < 5 || (nal[0]! & 0x1f) !== 7) return undefined
  const reader = new BitReader(removeEmulationPrevention(nal, 1))
  const profile = reader.bits(8)
  const constraints = reader.bits(8)
  const level = reader.bits(8)
  const id = reader.ue()
  const format = highProfiles.has(profile) ? readSampleFormat(reader) : plainFormat
  reader.ue()
  const orderType = readPictureOrder(reader)
  reader.ue()
  reader.skip(1)
  const size = readSize(reader, format)
  if (reader.overrun || id > 31 || format.chromaFormat > 3 || !isSane(size)) return undefined
  const maxReorder = profile === BASELINE || orderType === 2 ? 0 : readMaxReorder(reader)
  return {
    id,
    profileLevelId: hex(profile) + hex(constraints) + hex(level),
    size,
    reordered: maxReorder === undefined ? undefined : maxReorder > 0,
    maxReorder,
    chromaFormat: format.chromaFormat,
    bitDepthLuma: format.bitDepthLuma,
    bitDepthChroma: format.bitDepthChroma,
  }
}
