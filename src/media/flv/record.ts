/** The bytes of a sequence header by codec: what ISO base media calls the decoder configuration. */
import { buildAv1C } from '../av1/parameters.ts'
import { buildAvcC } from '../h264/avcc.ts'
import { buildHvcC } from '../h265/hvcc.ts'
import { buildOpusHead } from '../opus/parameters.ts'
import type { CodecParameters } from '../types.ts'
import { buildVpcC } from '../vp9/vpcc.ts'

/** undefined: the codec has none, or the parameters are not complete yet. */
export const buildRecord = (params: CodecParameters): Uint8Array | undefined => {
  switch (params.codec) {
    case 'h264':
      return buildAvcC(params)
    case 'h265':
      return buildHvcC(params)
    case 'av1':
      return buildAv1C(params)
    case 'vp8':
    case 'vp9':
      return buildVpcC(params)
    case 'aac':
      return params.config
    case 'opus':
      return buildOpusHead(params)
    default:
      return undefined
  }
}
