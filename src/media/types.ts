/** L0. Pure data. No I/O, no timers, no classes. */

export type Kind = 'audio' | 'video' | 'data'
export type VideoCodec = 'h264' | 'h265' | 'av1' | 'vp8' | 'vp9'
export type AudioCodec = 'opus' | 'aac' | 'pcmu' | 'pcma' | 'g722' | 'l16' | 'mp3'
export type DataCodec = 'telephone-event' | 'amf-data'
export type CodecId = VideoCodec | AudioCodec | DataCodec

/** The form media travels in. A track is written in one form; the other is derived on demand, once. */
export type Form = 'frame' | 'rtp'

export interface PictureSize {
  readonly width: number
  readonly height: number
}
interface ParametersOf<C extends CodecId, K extends Kind> {
  readonly codec: C
  readonly kind: K
  /** Ticks per second of every timestamp on the track: 90000 for video, the sample rate for audio, 48000 for Opus. */
  readonly clockRate: number
}
export interface H264Parameters extends ParametersOf<'h264', 'video'> {
  readonly sps: Uint8Array | undefined
  readonly pps: readonly Uint8Array[]
  readonly profileLevelId: string | undefined
  /** Picture size in luma samples after cropping, from the SPS. */
  readonly size: PictureSize | undefined
  /** true: B-frames are present (pts order differs from dts order), from the SPS or seen. WebRTC cannot show these. */
  readonly reordered: boolean | undefined
  /** max_num_reorder_frames of the SPS VUI; undefined when it does not say. Above 1, B-frames may be references. */
  readonly maxReorder: number | undefined
}
export interface H265Parameters extends ParametersOf<'h265', 'video'> {
  readonly vps: Uint8Array | undefined
  readonly sps: Uint8Array | undefined
  readonly pps: readonly Uint8Array[]
  readonly size: PictureSize | undefined
  readonly reordered: boolean | undefined
}
export interface Av1Parameters extends ParametersOf<'av1', 'video'> {
  /** The sequence header OBU, with its OBU header. */
  readonly sequenceHeader: Uint8Array | undefined
  readonly size: PictureSize | undefined
}
export interface VpxParameters extends ParametersOf<'vp8' | 'vp9', 'video'> {
  readonly profile: number
  readonly size: PictureSize | undefined
}
export interface OpusParameters extends ParametersOf<'opus', 'audio'> {
  readonly channels: 1 | 2
  readonly fmtp: string
}
export interface AacParameters extends ParametersOf<'aac', 'audio'> {
  readonly channels: number
  readonly config: Uint8Array
}
export interface PcmParameters extends ParametersOf<'pcmu' | 'pcma' | 'g722' | 'l16' | 'mp3', 'audio'> {
  readonly channels: number
}
export interface DataParameters extends ParametersOf<DataCodec, 'data'> {}

/** Immutable snapshot. A change of SPS, of AAC config, of resolution is a NEW object, compared by identity. */
export type CodecParameters =
  | H264Parameters
  | H265Parameters
  | Av1Parameters
  | VpxParameters
  | OpusParameters
  | AacParameters
  | PcmParameters
  | DataParameters

/**
 * One coded picture (access unit) or one coded audio packet. Frozen once published: any number of sinks hold it.
 * `units` are slices of one buffer: NAL units without start code or length prefix, OBUs without temporal delimiter,
 * or exactly one element for VP8, VP9 and all audio (AAC without ADTS header). Parameter sets (VPS, SPS, PPS, AV1
 * sequence headers, AudioSpecificConfig), access unit delimiters and filler are NOT among the units: parameter sets
 * live in `params`, and whoever needs them in-band writes them from there before a key frame.
 */
export interface Frame {
  readonly units: readonly Uint8Array[]
  /** Presentation and decode time in track ticks, integer, unwrapped (never wraps at 32 bits), dts non-decreasing. */
  readonly pts: number
  readonly dts: number
  /** Ticks; 0 when unknown. */
  readonly duration: number
  /** Decoding can start here. Always true for audio. */
  readonly key: boolean
  /** The parameters in force for this very frame. */
  readonly params: CodecParameters
  /** Something before this frame was lost: decoders should conceal, video sinks wait for a key frame. */
  readonly discontinuity: boolean
  /** Monotonic clock of the gateway, microseconds, when the last byte came in. */
  readonly arrival: number
}

/**
 * One RTP packet as received or as built by the track's packetiser. Frozen once published. A subscriber never writes
 * into `bytes`: its sender builds its own header and encrypts `payload` into its own output buffer.
 */
export interface RtpPacket {
  readonly bytes: Uint8Array
  readonly payloadStart: number
  readonly payloadEnd: number
  /** Sequence number and timestamp, unwrapped to plain integers. */
  readonly seq: number
  readonly ts: number
  readonly marker: boolean
  /** Part of a key frame; set by a one-byte look at the payload, no depacketising. */
  readonly key: boolean
  /** First packet of its frame. */
  readonly head: boolean
  readonly arrival: number
}

export interface MediaOf {
  readonly frame: Frame
  readonly rtp: RtpPacket
}
