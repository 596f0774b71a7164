/** What a payload type of a session description says of its codec, as track parameters. */
import { GatewayError } from '../../errors.ts'
import { buildAudioSpecificConfig, createAacParams } from '../aac/config.ts'
import { createAv1Params } from '../av1/parameters.ts'
import { createH264Params } from '../h264/parameters.ts'
import { h264NalType, NAL } from '../h264/units.ts'
import { createH265Params } from '../h265/parameters.ts'
import { createOpusParams } from '../opus/parameters.ts'
import { createPcmParams } from '../pcm/parameters.ts'
import type { CodecParameters } from '../types.ts'
import { parseFmtp } from './attributes.ts'
import type { SdpCodec } from './types.ts'

type Fmtp = ReadonlyMap<string, string>

const refuse = (detail: string): GatewayError => new GatewayError('unsupported-codec', detail)

/** Base64 values behind each other: "Z0LAHtkD,aMuDyyA=". */
const setsOf = (fmtp: Fmtp, name: string): readonly Uint8Array[] =>
  (fmtp.get(name) ?? '')
    .split(',')
    .filter(text => text !== '')
    .map(text => new Uint8Array(Buffer.from(text, 'base64')))
    .filter(set => set.length > 1)

/** RFC 6184 8.1. */
const h264 = (fmtp: Fmtp): CodecParameters => {
  if (fmtp.get('packetization-mode') === '2')
    throw refuse('H.264 in packetization-mode 2 (interleaved) is not read')
  const sets = setsOf(fmtp, 'sprop-parameter-sets')
  const ofType = (type: number): readonly Uint8Array[] => sets.filter(set => h264NalType(set) === type)
  return createH264Params(ofType(NAL.sps), ofType(NAL.pps), fmtp.get('profile-level-id')?.toLowerCase())
}

/** RFC 7798 7.1. */
const h265 = (fmtp: Fmtp): CodecParameters => {
  if (Number(fmtp.get('sprop-max-don-diff') ?? 0) > 0)
    throw refuse('H.265 with sprop-max-don-diff above 0 (out of decoding order) is not read')
  return createH265Params(setsOf(fmtp, 'sprop-vps'), setsOf(fmtp, 'sprop-sps'), setsOf(fmtp, 'sprop-pps'))
}

/** The mode of RFC 3640 3.3.6, whatever it is called: its three lengths are what is read. */
const AAC_LENGTHS = [
  ['sizelength', '13'],
  ['indexlength', '3'],
  ['indexdeltalength', '3'],
] as const

const aac = ({ clockRate, channels }: SdpCodec, fmtp: Fmtp): CodecParameters => {
  const other = AAC_LENGTHS.find(([name, value]) => (fmtp.get(name) ?? value) !== value)
  if (other !== undefined || (fmtp.get('mode') ?? 'AAC-hbr').toLowerCase() !== 'aac-hbr')
    throw refuse(`AAC in RTP is read in mode AAC-hbr only, not ${fmtp.get('mode') ?? other![0]}`)
  const config = fmtp.get('config')
  const params = createAacParams(
    config === undefined ? buildAudioSpecificConfig(clockRate, channels) : Buffer.from(config, 'hex'),
  )
  if (params.clockRate === clockRate) return params
  throw refuse(`AAC of ${params.clockRate} Hz by its config, with an RTP clock of ${clockRate}`)
}

/**
 * The parameters of a track before its first packet. undefined: a codec that is not known here.
 * @throws GatewayError 'unsupported-codec' for a variant of a known codec that is not read, 'malformed'
 */
export const codecParameters = (codec: SdpCodec): CodecParameters | undefined => {
  const fmtp = parseFmtp(codec.fmtp)
  const { clockRate, channels } = codec
  switch (codec.name.toLowerCase()) {
    case 'h264':
      return h264(fmtp)
    case 'h265':
      return h265(fmtp)
    case 'av1':
      return createAv1Params()
    case 'vp8':
      return { codec: 'vp8', kind: 'video', clockRate, profile: 0, size: undefined }
    case 'vp9':
      return {
        codec: 'vp9',
        kind: 'video',
        clockRate,
        profile: Number(fmtp.get('profile-id') ?? 0),
        size: undefined,
      }
    case 'opus':
      return createOpusParams(2, codec.fmtp)
    case 'mpeg4-generic':
      return aac(codec, fmtp)
    case 'pcmu':
      return createPcmParams('pcmu', channels)
    case 'pcma':
      return createPcmParams('pcma', channels)
    case 'g722':
      return createPcmParams('g722', channels)
    case 'l16':
      return createPcmParams('l16', channels, clockRate)
    default:
      return undefined
  }
}
