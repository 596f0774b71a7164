/** onMetaData (E.5): what a stream says of itself in front of its media. */
import { encodeAmf0 } from '../amf/amf0-encode.ts'
import type { AmfValue } from '../amf/value.ts'
import type { CodecParameters } from '../types.ts'
import { metadataCodecId } from './codecs.ts'

const NAME = 'onMetaData'
/** Marker and length before a string value, the name, marker and count of the ECMA array. */
const FIRST_KEY_AT = 3 + NAME.length + 5
/** Length before a key, the key, the marker of a number; then its eight bytes. */
const valueAt = (keyAt: number, key: string): number => keyAt + 2 + key.length + 1

/**
 * Where in the body the eight bytes of `duration` and of `filesize` stand, so that a file can be patched on
 * close.
 */
export const DURATION_AT = valueAt(FIRST_KEY_AT, 'duration')
export const FILESIZE_AT = valueAt(DURATION_AT + 8, 'filesize')

const videoMembers = (params: CodecParameters): [string, AmfValue][] => {
  const size = 'size' in params ? params.size : undefined
  const members: [string, AmfValue][] =
    size === undefined
      ? []
      : [
          ['width', size.width],
          ['height', size.height],
        ]
  return [...members, ['videocodecid', metadataCodecId(params)]]
}

const audioMembers = (params: CodecParameters): [string, AmfValue][] => {
  const channels = 'channels' in params ? params.channels : 1
  return [
    ['audiocodecid', metadataCodecId(params)],
    ['audiosamplerate', params.clockRate],
    ['audiosamplesize', 16],
    ['stereo', channels > 1],
    ['audiochannels', channels],
  ]
}

/**
 * Body of the script tag for the first video and the first audio track among `tracks`. Duration and file size
 * are 0.
 */
export const writeMetadata = (tracks: readonly CodecParameters[]): Uint8Array => {
  const video = tracks.find(({ kind }) => kind === 'video')
  const audio = tracks.find(({ kind }) => kind === 'audio')
  const members: [string, AmfValue][] = [
    ['duration', 0],
    ['filesize', 0],
    ['hasVideo', video !== undefined],
    ['hasAudio', audio !== undefined],
    ...(video === undefined ? [] : videoMembers(video)),
    ...(audio === undefined ? [] : audioMembers(audio)),
    ['encoder', 'Crosspoint'],
  ]
  return encodeAmf0(NAME, new Map(members))
}

/** Which kinds a publisher's onMetaData announces; undefined when it does not say. */
export const announcedKinds = (
  data: Readonly<Record<string, unknown>>,
): { readonly video: boolean; readonly audio: boolean } | undefined => {
  const says = (flag: unknown, codec: unknown): boolean | undefined => {
    if (typeof flag === 'boolean') return flag
    return typeof codec === 'string' ? codec !== '' : typeof codec === 'number' ? codec > 0 : undefined
  }
  const video = says(data.hasVideo, data.videocodecid)
  const audio = says(data.hasAudio, data.audiocodecid)
  return video === undefined && audio === undefined
    ? undefined
    : { video: video ?? false, audio: audio ?? false }
}
