import { BitReader } from '../bits.ts'
import type { PictureSize } from '../types.ts'
import { OBU, obuType, withoutObuSize } from './obu.ts'

/** What the gateway needs of a sequence header, AV1 specification section 5.5. */
export interface Av1SequenceHeader {
  readonly profile: number
  readonly level: number
  readonly tier: number
  readonly size: PictureSize
  readonly highBitDepth: boolean
  readonly twelveBit: boolean
  readonly monochrome: boolean
  readonly subsamplingX: boolean
  readonly subsamplingY: boolean
  readonly chromaSamplePosition: number
}

/** Returns buffer_delay_length, 0 when there is no decoder model. */
const readTiming = (reader: BitReader): number => {
  if (!reader.flag()) return 0
  reader.skip(64)
  if (reader.flag()) reader.ue()
  if (!reader.flag()) return 0
  const delayLength = reader.bits(5) + 1
  reader.skip(42)
  return delayLength
}

interface OperatingPoint {
  readonly level: number
  readonly tier: number
}
/** The first operating point; the others are skipped. */
const readOperatingPoints = (reader: BitReader): OperatingPoint => {
  const delayLength = readTiming(reader)
  const hasDisplayDelay = reader.flag()
  const count = reader.bits(5) + 1
  let first: OperatingPoint | undefined
  for (let i = 0; i < count; i += 1) {
    reader.skip(12)
    const level = reader.bits(5)
    const tier = level > 7 ? reader.bit() : 0
    first ??= { level, tier }
    if (delayLength > 0 && reader.flag()) reader.skip(2 * delayLength + 1)
    if (hasDisplayDelay && reader.flag()) reader.skip(4)
  }
  return first ?? { level: 0, tier: 0 }
}

/** Inter tools, section 5.5.1 from enable_interintra_compound to order_hint_bits. */
const skipInterTools = (reader: BitReader): void => {
  reader.skip(4)
  const orderHint = reader.flag()
  if (orderHint) reader.skip(2)
  const screenContent = reader.flag() || reader.flag()
  if (screenContent && !reader.flag()) reader.skip(1)
  if (orderHint) reader.skip(3)
}

type ColorConfig = Omit<Av1SequenceHeader, 'profile' | 'level' | 'tier' | 'size'>
const BT709 = 1
const SRGB = 13
const IDENTITY = 0

/** color_config, section 5.5.2. */
const readColor = (reader: BitReader, profile: number): ColorConfig => {
  const highBitDepth = reader.flag()
  const twelveBit = profile === 2 && highBitDepth && reader.flag()
  const monochrome = profile !== 1 && reader.flag()
  const [primaries, transfer, matrix] = reader.flag()
    ? [reader.bits(8), reader.bits(8), reader.bits(8)]
    : [2, 2, 2]
  const base = { highBitDepth, twelveBit, monochrome, chromaSamplePosition: 0 }
  if (!monochrome && primaries === BT709 && transfer === SRGB && matrix === IDENTITY)
    return { ...base, subsamplingX: false, subsamplingY: false }
  reader.skip(1)
  if (monochrome) return { ...base, subsamplingX: true, subsamplingY: true }
  const subsamplingX = profile === 0 || (profile === 2 && (!twelveBit || reader.flag()))
  const subsamplingY = profile === 0 || (profile === 2 && twelveBit && subsamplingX && reader.flag())
  const chromaSamplePosition = subsamplingX && subsamplingY ? reader.bits(2) : 0
  return { ...base, subsamplingX, subsamplingY, chromaSamplePosition }
}

/** Reads a sequence header OBU. undefined when it is not one or is cut short. */
export const readAv1SequenceHeader = (unit: Uint8Array): Av1SequenceHeader | undefined => {
  const plain = withoutObuSize(unit)
  if (plain === undefined || obuType(plain) !== OBU.sequenceHeader) return undefined
  const reader = new BitReader(plain, plain[0]! & 4 ? 2 : 1)
  const profile = reader.bits(3)
  reader.skip(1)
  const reduced = reader.flag()
  const { level, tier } = reduced ? { level: reader.bits(5), tier: 0 } : readOperatingPoints(reader)
  const widthBits = reader.bits(4) + 1
  const heightBits = reader.bits(4) + 1
  const size = { width: reader.bits(widthBits) + 1, height: reader.bits(heightBits) + 1 }
  if (!reduced && reader.flag()) reader.skip(7)
  reader.skip(3)
  if (!reduced) skipInterTools(reader)
  reader.skip(3)
  const color = readColor(reader, profile)
  return reader.overrun || profile > 2 ? undefined : { profile, level, tier, size, ...color }
}
