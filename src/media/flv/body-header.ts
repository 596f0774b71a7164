/**
 * What stands in front of the payload in a tag body: written into `out`, which has room for
 * `MAX_HEADER_BYTES`.
 */
import { GatewayError } from '../../errors.ts'
import type { CodecParameters } from '../types.ts'
import { fourCcOf, isLegacy, soundFlags } from './codecs.ts'

/** One byte, multitrack byte, FourCC, track id, composition time. */
export const MAX_HEADER_BYTES = 10

const EX_VIDEO = 0x80
const EX_AUDIO = 0x90
const KEY_FRAME = 0x10
const INTER_FRAME = 0x20
const SEQUENCE_START = 0
const CODED_FRAMES = 1
const CODED_FRAMES_X = 3
const VIDEO_MULTITRACK = 6
const AUDIO_MULTITRACK = 5
const AVC = 7

const putInt24 = (out: Uint8Array, at: number, value: number): number => {
  out[at] = value >> 16
  out[at + 1] = value >> 8
  out[at + 2] = value
  return at + 3
}

const putFourCc = (out: Uint8Array, at: number, params: CodecParameters): number => {
  const code = fourCcOf(params.codec)
  if (code === undefined) throw new GatewayError('unsupported-codec', `${params.codec} in Enhanced RTMP`)
  out[at] = code >>> 24
  return putInt24(out, at + 1, code)
}

/**
 * Enhanced RTMP v2: `first` has the high bits of the first byte; a track other than 0 is a multitrack of one.
 */
const putExHeader = (
  out: Uint8Array,
  first: number,
  packetType: number,
  params: CodecParameters,
  track: number,
): number => {
  if (track === 0) {
    out[0] = first | packetType
    return putFourCc(out, 1, params)
  }
  out[0] = first | (params.kind === 'video' ? VIDEO_MULTITRACK : AUDIO_MULTITRACK)
  out[1] = packetType // AvMultitrackType.OneTrack is 0
  const at = putFourCc(out, 2, params)
  out[at] = track
  return at + 1
}

const codedFrames = (params: CodecParameters, compositionMs: number): number =>
  (params.codec === 'h264' || params.codec === 'h265') && compositionMs === 0 ? CODED_FRAMES_X : CODED_FRAMES

/** Returns the length of the header of a sequence header body. */
export const putConfigHeader = (out: Uint8Array, params: CodecParameters, track: number): number => {
  const legacy = track === 0 && isLegacy(params.codec)
  if (params.kind === 'video') {
    if (!legacy) return putExHeader(out, EX_VIDEO | KEY_FRAME, SEQUENCE_START, params, track)
    out[0] = KEY_FRAME | AVC
    out[1] = 0
    return putInt24(out, 2, 0)
  }
  if (!legacy) return putExHeader(out, EX_AUDIO, SEQUENCE_START, params, track)
  out[0] = soundFlags(params)
  out[1] = 0
  return 2
}

/** Returns the length of the header of a picture's body. */
export const putVideoHeader = (
  out: Uint8Array,
  params: CodecParameters,
  track: number,
  key: boolean,
  compositionMs: number,
): number => {
  const frameType = key ? KEY_FRAME : INTER_FRAME
  if (track === 0 && isLegacy(params.codec)) {
    out[0] = frameType | AVC
    out[1] = 1
    return putInt24(out, 2, compositionMs)
  }
  const timed = params.codec === 'h264' || params.codec === 'h265'
  const packetType = codedFrames(params, compositionMs)
  const at = putExHeader(out, EX_VIDEO | frameType, packetType, params, track)
  return timed && packetType === CODED_FRAMES ? putInt24(out, at, compositionMs) : at
}

/** Returns the length of the header of an audio packet's body. */
export const putAudioHeader = (out: Uint8Array, params: CodecParameters, track: number): number => {
  if (track !== 0 || !isLegacy(params.codec)) return putExHeader(out, EX_AUDIO, CODED_FRAMES, params, track)
  out[0] = soundFlags(params)
  if (params.codec !== 'aac') return 1
  out[1] = 1
  return 2
}
