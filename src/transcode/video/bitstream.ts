/** Frames as ffmpeg's decoders read them, and what its encoders write as units of frames. */
import { sizedObusBytes, writeObus } from '../../media/av1/obu.ts'
import { concatBytes } from '../../media/bytes.ts'
import { isH264FrameUnit } from '../../media/h264/units.ts'
import { joinAnnexB, splitAnnexB } from '../../media/nal.ts'
import type { CodecParameters, Frame } from '../../media/types.ts'

const present = (sets: readonly (Uint8Array | undefined)[]): readonly Uint8Array[] =>
  sets.filter(set => set !== undefined)

/** What a decoder must have before the first picture, as units. */
const parameterSets = (params: CodecParameters): readonly Uint8Array[] => {
  if (params.codec === 'h264') return present([params.sps, ...params.pps])
  if (params.codec === 'h265') return present([params.vps, params.sps, ...params.pps])
  return params.codec === 'av1' ? present([params.sequenceHeader]) : []
}

/** Codec data of the source; Annex B, so that parameter sets may change in the stream. */
export const codecDataOf = (params: CodecParameters): Uint8Array =>
  params.codec === 'h264' || params.codec === 'h265' ? joinAnnexB(parameterSets(params)) : new Uint8Array(0)

const joinObus = (units: readonly Uint8Array[]): Uint8Array => {
  const out = new Uint8Array(sizedObusBytes(units))
  writeObus(units, out, 0)
  return out
}

/** `withSets`: the parameter sets go before it. */
export const toBitstream = ({ units, params }: Frame, withSets: boolean): Uint8Array => {
  const all = withSets ? [...parameterSets(params), ...units] : units
  if (params.codec === 'h264' || params.codec === 'h265') return joinAnnexB(all)
  return params.codec === 'av1' ? joinObus(all) : concatBytes(all)
}

/** Parameter sets and delimiters are left out: they are in the parameters. */
export const h264Units = (data: Uint8Array): readonly Uint8Array[] =>
  splitAnnexB(data).filter(isH264FrameUnit)
