/** What a transcode makes: the wish of the destination with everything filled in, and the first parameters. */
import { buildAudioSpecificConfig } from '../media/aac/config.ts'
import type { CodecParameters } from '../media/types.ts'
import type { Accept } from './types.ts'

/** Sample rates that a codec has whatever the source has. */
const fixedRates: { readonly [codec: string]: number } = {
  opus: 48_000,
  pcmu: 8_000,
  pcma: 8_000,
  g722: 8_000,
}
/** G.711 and G.722 are telephone codecs: one channel unless asked otherwise (RFC 3551 section 4.5). */
const mono = new Set(['pcmu', 'pcma', 'g722'])

const channelsOf = (from: CodecParameters): number => ('channels' in from ? from.channels : 2)

/** The wish with sample rate and channels settled, as a transcoder gets it. */
export const resolveTarget = (from: CodecParameters, accept: Accept): Accept => {
  if (accept.kind !== 'audio') return accept
  const channels = accept.channels ?? (mono.has(accept.codec) ? 1 : Math.min(2, channelsOf(from)))
  const sampleRate = accept.sampleRate ?? fixedRates[accept.codec] ?? from.clockRate
  return { ...accept, sampleRate, channels }
}

/** Parameters of a transcoded track until the transcoder says its own. `target` comes from `resolveTarget`. */
export const targetParams = (target: Accept): CodecParameters => {
  const { codec, channels = 2, sampleRate: clockRate = 48_000 } = target
  const video = { kind: 'video', clockRate: 90_000, size: target.size } as const
  switch (codec) {
    case 'opus':
      return { codec, kind: 'audio', clockRate: 48_000, channels: channels === 1 ? 1 : 2, fmtp: '' }
    case 'aac':
      return {
        codec,
        kind: 'audio',
        clockRate,
        channels,
        config: buildAudioSpecificConfig(clockRate, channels),
      }
    case 'h264':
      return {
        ...video,
        codec,
        sps: undefined,
        pps: [],
        profileLevelId: target.profileLevelId,
        reordered: reorderedOf(target),
        maxReorder: undefined,
      }
    case 'h265':
      return { ...video, codec, vps: undefined, sps: undefined, pps: [], reordered: reorderedOf(target) }
    case 'av1':
      return { ...video, codec, sequenceHeader: undefined }
    case 'vp8':
    case 'vp9':
      return { ...video, codec, profile: 0 }
    case 'telephone-event':
    case 'amf-data':
      return { codec, kind: 'data', clockRate }
    default:
      return { codec, kind: 'audio', clockRate, channels }
  }
}

/** A destination that shows no B-frames is made a track that has none. */
const reorderedOf = (target: Accept): boolean | undefined => (target.reordered === false ? false : undefined)
