import { createAacParams } from '../../media/aac/config.ts'
import type { NutStream } from '../../media/nut/types.ts'
import { buildOpusHead, createOpusParams } from '../../media/opus/parameters.ts'
import type { CodecId, CodecParameters } from '../../media/types.ts'
import type { AudioTarget } from './target.ts'

/** Codec tags: WAVE format numbers (little endian), else four letters. */
const TAGS: Partial<Record<CodecId, readonly number[]>> = {
  aac: [0xff, 0, 0, 0],
  mp3: [0x55, 0, 0, 0],
  pcmu: [0x07, 0, 0, 0],
  pcma: [0x06, 0, 0, 0],
  g722: [0x8f, 0x02, 0, 0],
  // 'S' for signed, 'D' for big endian, 16 bits.
  l16: [0x10, 0x44, 0x53, 0x50],
  opus: [0x4f, 0x70, 0x75, 0x73],
}

const codecDataOf = (params: CodecParameters): Uint8Array => {
  if (params.codec === 'aac') return params.config
  // Pre-skip 0: the times of the packets already say when the sound is due.
  if (params.codec === 'opus') return buildOpusHead(params, 0)
  return new Uint8Array(0)
}

/** Samples per second that come out of a decoder; RFC 3551 section 4.5.2: G.722 runs at twice its clock rate. */
const sampleRateOf = (params: CodecParameters): number =>
  params.codec === 'g722' ? params.clockRate * 2 : params.clockRate

/** How ffmpeg is told of a source; `tickRate` is that of the times to come. undefined: no audio that it can read. */
export const sourceStream = (params: CodecParameters, tickRate: number): NutStream | undefined => {
  const tag = TAGS[params.codec]
  if (tag === undefined || params.kind !== 'audio' || !('channels' in params)) return undefined
  return {
    kind: 'audio',
    fourcc: Uint8Array.from(tag),
    timeBase: { numerator: 1, denominator: tickRate },
    codecData: codecDataOf(params),
    sampleRate: sampleRateOf(params),
    channels: params.channels,
    width: 0,
    height: 0,
  }
}

/** Parameters of what ffmpeg makes. @throws GatewayError 'malformed' when its codec data cannot be read. */
export const targetParams = (stream: NutStream, target: AudioTarget): CodecParameters => {
  if (target.codec === 'aac') return createAacParams(stream.codecData)
  if (target.codec === 'opus')
    return createOpusParams(target.channels, target.channels === 2 ? 'stereo=1;sprop-stereo=1' : '')
  return { codec: target.codec, kind: 'audio', clockRate: target.sampleRate, channels: target.channels }
}
