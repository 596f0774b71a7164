/** A track's parameters as SDP says them: `a=rtpmap` and `a=fmtp`. */
import { GatewayError } from '../../errors.ts'
import type { AacParameters, CodecParameters, H264Parameters, H265Parameters } from '../types.ts'

export interface DescribedCodec {
  /** As in `a=rtpmap`: "H264". */
  readonly name: string
  readonly clockRate: number
  /** Absent where the format has none to tell: pictures, and sound of one channel. */
  readonly channels?: number
  /** '' for none. */
  readonly fmtp: string
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const join = (parts: readonly (string | undefined)[]): string =>
  parts.filter(part => part !== undefined).join(';')

/** RFC 6184 8.1. Parameter sets come in-band as well; those here spare the wait for the next key frame. */
const h264Fmtp = ({ sps, pps, profileLevelId }: H264Parameters): string =>
  join([
    'packetization-mode=1',
    profileLevelId === undefined ? undefined : `profile-level-id=${profileLevelId}`,
    sps === undefined ? undefined : `sprop-parameter-sets=${[sps, ...pps].map(base64).join(',')}`,
  ])

/** RFC 7798 7.1. */
const h265Fmtp = ({ vps, sps, pps }: H265Parameters): string =>
  vps === undefined || sps === undefined
    ? ''
    : join([`sprop-vps=${base64(vps)}`, `sprop-sps=${base64(sps)}`, `sprop-pps=${pps.map(base64).join(',')}`])

/** RFC 3640 4.1: AAC-hbr, one or more access units a packet, each behind 13 bits of size and 3 of index. */
const aacFmtp = ({ config }: AacParameters): string =>
  join([
    'profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3',
    `config=${hex(config)}`,
  ])

const soundChannels = (channels: number): { readonly channels?: number } =>
  channels === 1 ? {} : { channels }

/** @throws GatewayError 'unsupported-codec' for what has no payload format here */
export const describeCodec = (params: CodecParameters): DescribedCodec => {
  const { clockRate } = params
  switch (params.codec) {
    case 'h264':
      return { name: 'H264', clockRate, fmtp: h264Fmtp(params) }
    case 'h265':
      return { name: 'H265', clockRate, fmtp: h265Fmtp(params) }
    case 'vp8':
      return { name: 'VP8', clockRate, fmtp: '' }
    case 'vp9':
      return { name: 'VP9', clockRate, fmtp: `profile-id=${params.profile}` }
    case 'av1':
      return { name: 'AV1', clockRate, fmtp: '' }
    case 'opus':
      // RFC 7587 7: always two channels in the map, whatever is coded.
      return {
        name: 'opus',
        clockRate,
        channels: 2,
        fmtp: params.fmtp === '' && params.channels === 2 ? 'sprop-stereo=1' : params.fmtp,
      }
    case 'aac':
      return { name: 'MPEG4-GENERIC', clockRate, channels: params.channels, fmtp: aacFmtp(params) }
    case 'pcmu':
    case 'pcma':
    case 'g722':
    case 'l16':
      return { name: params.codec.toUpperCase(), clockRate, ...soundChannels(params.channels), fmtp: '' }
    default:
      throw new GatewayError('unsupported-codec', `${params.codec} has no RTP payload format here`)
  }
}

/** The payload type that RFC 3551 6 gives to exactly this format; undefined: it needs one of its own and a map. */
export const staticPayloadType = (params: CodecParameters): number | undefined => {
  if (params.codec === 'l16' && params.clockRate === 44_100) return params.channels === 2 ? 10 : 11
  if (!('channels' in params) || params.channels !== 1 || params.clockRate !== 8000) return undefined
  return { pcmu: 0, pcma: 8, g722: 9 }[params.codec as string]
}
