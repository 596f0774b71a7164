import { AAC_SAMPLE_RATES } from './config.ts'

const ADTS_HEADER_BYTES = 7

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
