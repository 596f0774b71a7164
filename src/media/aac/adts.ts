import { AAC_SAMPLE_RATES, type AudioSpecificConfig } from './config.ts'

export const ADTS_HEADER_BYTES = 7

/** ADTS fixed and variable header, ISO/IEC 14496-3 section 1.A.2. */
export interface AdtsHeader {
  readonly objectType: number
  /** Hz of the core coder. */
  readonly sampleRate: number
  readonly channels: number
  /** 7, or 9 with a checksum. */
  readonly headerBytes: number
  /** Header included. */
  readonly frameBytes: number
}

/**
 * Reads the header at `at`. undefined: no sync word, cut short, more than one raw data block, or a length
 * that cannot be.
 */
export const readAdtsHeader = (bytes: Uint8Array, at = 0): AdtsHeader | undefined => {
  if (at + ADTS_HEADER_BYTES > bytes.length) return undefined
  if (bytes[at] !== 0xff || (bytes[at + 1]! & 0xf6) !== 0xf0) return undefined
  const sampleRate = AAC_SAMPLE_RATES[(bytes[at + 2]! >> 2) & 15]
  const channelConfig = ((bytes[at + 2]! & 1) << 2) | (bytes[at + 3]! >> 6)
  const frameBytes = ((bytes[at + 3]! & 3) << 11) | (bytes[at + 4]! << 3) | (bytes[at + 5]! >> 5)
  const headerBytes = bytes[at + 1]! & 1 ? 7 : 9
  const blocks = (bytes[at + 6]! & 3) + 1
  if (sampleRate === undefined || frameBytes < headerBytes || blocks > 1) return undefined
  const channels = channelConfig === 7 ? 8 : channelConfig
  return { objectType: (bytes[at + 2]! >> 6) + 1, sampleRate, channels, headerBytes, frameBytes }
}

/**
 * Access units of whole ADTS frames, as views, and where the first incomplete one begins. Damage is skipped
 * to the next sync.
 */
export const splitAdts = (
  bytes: Uint8Array,
): { readonly units: readonly Uint8Array[]; readonly end: number } => {
  const units: Uint8Array[] = []
  let at = 0
  while (at + ADTS_HEADER_BYTES <= bytes.length) {
    const header = readAdtsHeader(bytes, at)
    if (header === undefined) {
      at += 1
      continue
    }
    if (at + header.frameBytes > bytes.length) break
    units.push(bytes.subarray(at + header.headerBytes, at + header.frameBytes))
    at += header.frameBytes
  }
  return { units, end: at }
}

/** Main, LC, SSR and LTP are what two bits can say; everything else is announced as LC. */
const adtsProfile = (objectType: number): number => (objectType >= 1 && objectType <= 4 ? objectType - 1 : 1)

/**
 * Writes the 7-byte header of an access unit of `unitBytes` into `out` at `at`. SBR and PS stay implicit.
 * @returns false when ADTS cannot say it: an odd sample rate, a program config element, a unit above 8184
 * bytes.
 */
export const writeAdtsHeader = (
  config: AudioSpecificConfig,
  unitBytes: number,
  out: Uint8Array,
  at = 0,
): boolean => {
  const rate = (AAC_SAMPLE_RATES as readonly number[]).indexOf(config.coreSampleRate)
  const coded = config.ps ? 1 : config.channels
  const channels = coded === 8 ? 7 : coded
  const length = ADTS_HEADER_BYTES + unitBytes
  if (rate === -1 || channels < 1 || channels > 7 || length > 0x1fff) return false
  out[at] = 0xff
  out[at + 1] = 0xf1
  out[at + 2] = (adtsProfile(config.objectType) << 6) | (rate << 2) | (channels >> 2)
  out[at + 3] = ((channels & 3) << 6) | (length >> 11)
  out[at + 4] = length >> 3
  out[at + 5] = ((length & 7) << 5) | 0x1f
  out[at + 6] = 0xfc
  return true
}
