/** AAC in ADTS (ISO/IEC 14496-3 section 1.A.2) for tests: files cut into access units, and headers written. */
import { readAdtsHeader } from '../../src/media/aac/adts.ts'
import { AAC_SAMPLE_RATES } from '../../src/media/aac/config.ts'

/** The access units of a file of whole frames, as views. */
export const splitAdts = (bytes: Uint8Array): readonly Uint8Array[] => {
  const units: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const { headerBytes, frameBytes } = readAdtsHeader(bytes, at)!
    units.push(bytes.subarray(at + headerBytes, at + frameBytes))
    at += frameBytes
  }
  return units
}

/** One frame of AAC-LC: header without checksum, and the unit. */
export const adtsFrame = (unit: Uint8Array, sampleRate: number, channels: number): Uint8Array => {
  const rate = (AAC_SAMPLE_RATES as readonly number[]).indexOf(sampleRate)
  const length = 7 + unit.length
  return Uint8Array.of(
    ...[0xff, 0xf1, (1 << 6) | (rate << 2) | (channels >> 2), ((channels & 3) << 6) | (length >> 11)],
    ...[length >> 3, ((length & 7) << 5) | 0x1f, 0xfc],
    ...unit,
  )
}
