/** A payload type of a description as the format of a line. */
import { GatewayError } from '../../errors.ts'
import { parseFmtp } from '../../media/sdp/attributes.ts'
import { codecParameters } from '../../media/sdp/codec-parameters.ts'
import type { SdpCodec } from '../../media/sdp/types.ts'
import type { LineFormat } from './description.ts'

/** undefined: a codec that is not read. @throws GatewayError 'unsupported-codec' for a variant that is not */
export const lineFormat = (codec: SdpCodec): LineFormat | undefined => {
  const { payloadType, clockRate } = codec
  if (codec.name.toLowerCase() === 'mp2t')
    return { format: { payloadType, codec: 'mp2t', clockRate }, params: undefined, packetizationMode: 1 }
  const params = codecParameters(codec)
  if (params === undefined) return undefined
  if (params.clockRate !== clockRate)
    throw new GatewayError(
      'unsupported-codec',
      `${codec.name} has an RTP clock of ${params.clockRate}, not ${clockRate}`,
    )
  return {
    format: { payloadType, codec: params.codec, clockRate },
    params,
    packetizationMode: parseFmtp(codec.fmtp).get('packetization-mode') === '0' ? 0 : 1,
  }
}
