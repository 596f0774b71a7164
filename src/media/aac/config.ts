import { GatewayError } from '../../errors.ts'
import { BitReader } from '../bits.ts'
import type { AacParameters } from '../types.ts'

/** AudioSpecificConfig, ISO/IEC 14496-3 section 1.6.2.1. */
export interface AudioSpecificConfig {
  /**
   * Audio object type of the core: 2 is AAC-LC. With SBR or PS signalled explicitly this is what lies beneath
   * them.
   */
  readonly objectType: number
  /** Hz that come out of a decoder, SBR included when it is signalled explicitly. */
  readonly sampleRate: number
  /** Hz of the core coder: half of `sampleRate` with SBR. */
  readonly coreSampleRate: number
  /** Channels that come out of a decoder, PS included when it is signalled explicitly. */
  readonly channels: number
  readonly sbr: boolean
  readonly ps: boolean
  /** Samples per access unit at `sampleRate`. */
  readonly frameSamples: number
}

export const AAC_SAMPLE_RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
] as const
/** Channels by channelConfiguration, table 1.19. */
const CHANNELS = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8]
const ESCAPE_TYPE = 31
const ESCAPE_RATE = 15
const SBR = 5
const PS = 29
/** AAC Main, LC, SSR and LTP: the object types whose frames are 1024 or 960 samples. */
const isAac = (objectType: number): boolean => objectType >= 1 && objectType <= 4

const readObjectType = (reader: BitReader): number => {
  const type = reader.bits(5)
  return type === ESCAPE_TYPE ? 32 + reader.bits(6) : type
}
const readSampleRate = (reader: BitReader): number => {
  const index = reader.bits(4)
  return index === ESCAPE_RATE ? reader.bits(24) : (AAC_SAMPLE_RATES[index] ?? 0)
}

const countElements = (reader: BitReader, count: number): number => {
  let channels = 0
  for (let i = 0; i < count; i += 1) {
    channels += reader.flag() ? 2 : 1
    reader.skip(4)
  }
  return channels
}

/** Channels that a program_config_element lists, section 4.4.1.1. */
const readProgramChannels = (reader: BitReader): number => {
  reader.skip(10)
  const elements = reader.bits(4) + reader.bits(4) + reader.bits(4)
  const lfe = reader.bits(2)
  reader.skip(7)
  for (const mixdownBits of [4, 4, 3]) if (reader.flag()) reader.skip(mixdownBits)
  return countElements(reader, elements) + lfe
}

/** GASpecificConfig, section 4.4.1. */
const readGeneralAudio = (reader: BitReader, channelConfig: number): { length: number; channels: number } => {
  const length = reader.flag() ? 960 : 1024
  if (reader.flag()) reader.skip(14)
  reader.skip(1)
  const channels = channelConfig === 0 ? readProgramChannels(reader) : (CHANNELS[channelConfig] ?? 0)
  return { length, channels }
}

interface Extension {
  readonly sbr: boolean
  readonly ps: boolean
  readonly rate: number
}
const SYNC_EXTENSION = 0x2b7
const SYNC_PS = 0x548

/** Backward compatible explicit signalling behind the core's config: sync words 0x2b7 and 0x548. */
const readSyncExtension = (reader: BitReader): Extension | undefined => {
  if (reader.bitsLeft < 16 || reader.bits(11) !== SYNC_EXTENSION) return undefined
  if (readObjectType(reader) !== SBR || !reader.flag()) return undefined
  const rate = readSampleRate(reader)
  const ps = reader.bitsLeft >= 12 && reader.bits(11) === SYNC_PS && reader.flag()
  return { sbr: true, ps, rate }
}

/**
 * Reads an AudioSpecificConfig with hierarchical or backward compatible SBR and PS.
 * @throws GatewayError 'malformed' when it is cut short or has no sample rate; 'unsupported-codec' when it is
 * not AAC.
 */
export const parseAudioSpecificConfig = (bytes: Uint8Array): AudioSpecificConfig => {
  const reader = new BitReader(bytes)
  const outerType = readObjectType(reader)
  const coreSampleRate = readSampleRate(reader)
  const channelConfig = reader.bits(4)
  const hierarchical = outerType === SBR || outerType === PS
  const outerRate = hierarchical ? readSampleRate(reader) : 0
  const objectType = hierarchical ? readObjectType(reader) : outerType
  if (!reader.overrun && !isAac(objectType))
    throw new GatewayError('unsupported-codec', `MPEG-4 audio object type ${objectType}`)
  const { length, channels } = readGeneralAudio(reader, channelConfig)
  if (reader.overrun || coreSampleRate === 0 || channels === 0)
    throw new GatewayError(
      'malformed',
      `AudioSpecificConfig of ${bytes.length} bytes is cut short or has no rate`,
    )
  const extension = hierarchical
    ? { sbr: true, ps: outerType === PS, rate: outerRate }
    : channelConfig === 0
      ? undefined
      : readSyncExtension(reader)
  const sampleRate = extension?.rate || coreSampleRate
  return {
    objectType,
    sampleRate,
    coreSampleRate,
    channels: extension?.ps === true && channels === 1 ? 2 : channels,
    sbr: extension?.sbr ?? false,
    ps: extension?.ps ?? false,
    frameSamples: Math.max(1, Math.round((length * sampleRate) / coreSampleRate)),
  }
}

/**
 * AudioSpecificConfig of plain AAC (AAC-LC by default). @throws GatewayError 'unsupported-codec' for an odd
 * rate.
 */
export const buildAudioSpecificConfig = (
  sampleRate: number,
  channels: number,
  objectType = 2,
): Uint8Array => {
  const rateIndex = (AAC_SAMPLE_RATES as readonly number[]).indexOf(sampleRate)
  const channelConfig = channels === 8 ? 7 : channels
  if (rateIndex === -1 || channels < 1 || channels === 7 || channelConfig > 7)
    throw new GatewayError('unsupported-codec', `aac at ${sampleRate} Hz with ${channels} channels`)
  return Uint8Array.of((objectType << 3) | (rateIndex >> 1), ((rateIndex & 1) << 7) | (channelConfig << 3))
}

/**
 * Track parameters for an AudioSpecificConfig, which is copied. @throws GatewayError as
 * `parseAudioSpecificConfig`.
 */
export const createAacParams = (config: Uint8Array): AacParameters => {
  const { sampleRate, channels } = parseAudioSpecificConfig(config)
  return { codec: 'aac', kind: 'audio', clockRate: sampleRate, channels, config: config.slice() }
}
