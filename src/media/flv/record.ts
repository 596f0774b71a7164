/** The bytes of a sequence header by codec: what ISO base media calls the decoder configuration. */
import { buildAvcC } from '../h264/avcc.ts'
import { buildOpusHead } from '../opus/parameters.ts'
import type { CodecParameters } from '../types.ts'
import { buildVpcC } from '../vp9/vpcc.ts'

/** undefined: the codec has none, or the parameters are not complete yet. */
export const buildRecord = (params: CodecParameters): Uint8Array | undefined => {
  switch (params.codec) {
    case 'h264':
      return buildAvcC(params)
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
