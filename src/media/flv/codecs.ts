/** How FLV names the codecs of the gateway. */
import type { CodecId, CodecParameters } from '../types.ts'
import { fourCc } from './ex-header.ts'

const fourCcs: Readonly<Partial<Record<CodecId, string>>> = {
  h264: 'avc1',
  h265: 'hvc1',
  av1: 'av01',
  vp9: 'vp09',
  vp8: 'vp08',
  aac: 'mp4a',
  mp3: '.mp3',
  opus: 'Opus',
}
const fourCcCodes = new Map(
  Object.entries(fourCcs).map(([codec, name]) => [codec as CodecId, fourCc(name)] as const),
)

/** FourCC of Enhanced RTMP as text; undefined: there is none. */
export const fourCcNameOf = (codec: CodecId): string | undefined => fourCcs[codec]

/** FourCC of Enhanced RTMP as a number; undefined: there is none. */
export const fourCcOf = (codec: CodecId): number | undefined => fourCcCodes.get(codec)

/** Has a number in the header of FLV 10.1, which every reader knows. */
export const isLegacy = (codec: CodecId): boolean =>
  codec === 'h264' || codec === 'aac' || codec === 'mp3' || codec === 'pcma' || codec === 'pcmu'

const SOUND_16_BIT = 2
const STEREO = 1
const soundRates = [5512, 11_025, 22_050, 44_100]

const mp3Flags = (clockRate: number): number => {
  if (clockRate === 8000) return 14 << 4
  // MP3 at other rates is written all the same: decoders read the rate from its own header.
  const index = soundRates.indexOf(clockRate)
  return (2 << 4) | ((index === -1 ? 3 : index) << 2)
}

/** First byte of a legacy audio body (E.4.2.1). AAC always says 44 kHz stereo, G.711 has no rate to say. */
export const soundFlags = (params: CodecParameters): number => {
  if (params.codec === 'aac') return 0xaf
  const stereo = 'channels' in params && params.channels > 1 ? STEREO : 0
  if (params.codec === 'pcma') return (7 << 4) | SOUND_16_BIT | stereo
  if (params.codec === 'pcmu') return (8 << 4) | SOUND_16_BIT | stereo
  return mp3Flags(params.clockRate) | SOUND_16_BIT | stereo
}

/** videocodecid and audiocodecid of onMetaData: the legacy number, else the FourCC as a number. */
export const metadataCodecId = (params: CodecParameters): number | undefined => {
  if (params.codec === 'h264') return 7
  return isLegacy(params.codec) ? soundFlags(params) >> 4 : fourCcOf(params.codec)
}
