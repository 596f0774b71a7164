import type { PcmParameters } from '../types.ts'

/** MPEG audio frame header, ISO/IEC 11172-3 section 2.4.2.3 and 13818-3. */
export interface Mp3Header {
  readonly sampleRate: number
  readonly channels: 1 | 2
  /** Samples per frame: 1152 for MPEG-1 layer III, 576 below. */
  readonly samples: number
  /** Header included; 0 for free format. */
  readonly frameBytes: number
  readonly bitrateKbps: number
}

const LAYER_III = 1
const MPEG1 = 3
const MPEG2_5 = 0
const sampleRates = [44_100, 48_000, 32_000] as const
const bitratesV1 = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320] as const
const bitratesV2 = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160] as const

/** Reads the header at `at`. undefined: cut short, no sync word, not layer III, or a reserved value. */
export const readMp3Header = (bytes: Uint8Array, at = 0): Mp3Header | undefined => {
  if (at + 4 > bytes.length || bytes[at] !== 0xff || (bytes[at + 1]! & 0xe0) !== 0xe0) return undefined
  const version = (bytes[at + 1]! >> 3) & 3
  const layer = (bytes[at + 1]! >> 1) & 3
  const base = sampleRates[(bytes[at + 2]! >> 2) & 3]
  const bitrateKbps = (version === MPEG1 ? bitratesV1 : bitratesV2)[bytes[at + 2]! >> 4]
  if (version === 1 || layer !== LAYER_III || base === undefined || bitrateKbps === undefined)
    return undefined
  const sampleRate = version === MPEG1 ? base : version === MPEG2_5 ? base / 4 : base / 2
  const samples = version === MPEG1 ? 1152 : 576
  const padding = (bytes[at + 2]! >> 1) & 1
  const frameBytes = bitrateKbps === 0 ? 0 : Math.floor((samples * 125 * bitrateKbps) / sampleRate) + padding
  return { sampleRate, channels: bytes[at + 3]! >> 6 === 3 ? 1 : 2, samples, frameBytes, bitrateKbps }
}

export const createMp3Params = (sampleRate: number, channels: number): PcmParameters => ({
  codec: 'mp3',
  kind: 'audio',
  clockRate: sampleRate,
  channels,
})
