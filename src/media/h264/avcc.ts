import { GatewayError } from '../../errors.ts'
import { concatBytes, uint16 } from '../bytes.ts'
import type { H264Parameters } from '../types.ts'
import { readH264Sps } from './sps.ts'

/** AVCDecoderConfigurationRecord, ISO/IEC 14496-15 section 5.3.3.1. */
export interface AvcConfiguration {
  /** Bytes of the length before each NAL unit: 1, 2 or 4. */
  readonly lengthSize: number
  readonly sps: readonly Uint8Array[]
  readonly pps: readonly Uint8Array[]
}

const malformed = (what: string): GatewayError => new GatewayError('malformed', `avcC ${what}`)

/**
 * Reads an avcC record; the parameter sets are copies.
 * @throws GatewayError 'malformed' when a set reaches past the end.
 */
export const parseAvcC = (bytes: Uint8Array): AvcConfiguration => {
  if (bytes.length < 7) throw malformed(`has ${bytes.length} bytes, needs at least 7`)
  if (bytes[0] !== 1) throw malformed(`has version ${bytes[0]}, not 1`)
  let at = 5
  const readSets = (count: number): Uint8Array[] => {
    const sets: Uint8Array[] = []
    for (let i = 0; i < count; i += 1) {
      const length = at + 2 <= bytes.length ? uint16(bytes, at) : Number.POSITIVE_INFINITY
      at += 2
      if (at + length > bytes.length) throw malformed(`ends inside parameter set ${i}`)
      if (length > 0) sets.push(bytes.slice(at, at + length))
      at += length
    }
    return sets
  }
  at += 1
  const sps = readSets(bytes[5]! & 0x1f)
  if (at >= bytes.length) throw malformed('has no picture parameter sets')
  at += 1
  const pps = readSets(bytes[at - 1]!)
  return { lengthSize: (bytes[4]! & 3) + 1, sps, pps }
}

const prefixed = (set: Uint8Array): Uint8Array =>
  concatBytes([Uint8Array.of(set.length >> 8, set.length), set])

/** High profiles append chroma format and bit depths, section 5.3.3.1.2. */
const extension = (spsNal: Uint8Array): Uint8Array => {
  const sps = readH264Sps(spsNal)
  const profile = spsNal[1]!
  if (sps === undefined || profile === 66 || profile === 77 || profile === 88) return new Uint8Array(0)
  return Uint8Array.of(
    0xfc | sps.chromaFormat,
    0xf8 | (sps.bitDepthLuma - 8),
    0xf8 | (sps.bitDepthChroma - 8),
    0,
  )
}

/**
 * Builds the avcC record with four-byte lengths.
 * @returns undefined while there is no SPS or no PPS.
 */
export const buildAvcC = (params: H264Parameters): Uint8Array | undefined => {
  const { sps, pps } = params
  if (sps === undefined || sps.length < 4 || pps.length === 0) return undefined
  const head = Uint8Array.of(1, sps[1]!, sps[2]!, sps[3]!, 0xff, 0xe1)
  return concatBytes([head, prefixed(sps), Uint8Array.of(pps.length), ...pps.map(prefixed), extension(sps)])
}
