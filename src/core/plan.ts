/** L1. What is converted when: what a destination takes, what is done to each track, and what is allowed. */
import type { CodecId, CodecParameters, Form, Kind, PictureSize } from '../media/types.ts'

/** What makes two packetisations different. Equal profiles share one packetiser. */
export interface RtpProfile {
  readonly maxPayload: number
  readonly h264PacketizationMode?: 0 | 1
}

/** One thing an egress can take, best first. Pure data: it comes from an SDP, a FourCC list, a container's limits. */
export interface Accept {
  readonly kind: Kind
  readonly codec: CodecId
  readonly form: Form
  readonly rtp?: RtpProfile
  readonly channels?: number
  readonly sampleRate?: number
  /** false: cannot carry B-frames. */
  readonly reordered?: boolean
  readonly profileLevelId?: string
  /** Nobody said that the reader shows this: it is given only where no encoder can make anything else. */
  readonly doubtful?: boolean
  /** Pictures have this size and no other: they are scaled to it, with borders where the shape differs. */
  readonly size?: PictureSize
}
export type Step =
  | { readonly op: 'copy' }
  | { readonly op: 'packetise'; readonly profile: RtpProfile }
  | { readonly op: 'depacketise' }
  | { readonly op: 'repacketise'; readonly profile: RtpProfile }
  /** Frames that no other frame refers to are left out until nothing is reordered any more. */
  | { readonly op: 'drop-b-frames' }
  | { readonly op: 'transcode'; readonly to: CodecId }
export interface PlannedTrack {
  readonly source: string
  /** The source track in words: "video h264 1280x720". */
  readonly label: string
  readonly accept: Accept
  readonly steps: readonly Step[]
  readonly cost: number
}
/** A source track that the destination will not get, and why: "audio aac 44100 → viewer accepts opus: transcoding is off". */
export interface SkippedTrack {
  readonly source: string
  readonly reason: string
}
export type Plan =
  | { readonly ok: true; readonly tracks: readonly PlannedTrack[]; readonly skipped: readonly SkippedTrack[] }
  | {
      readonly ok: false
      readonly code: 'no-common-codec' | 'transcode-unavailable' | 'b-frames'
      readonly skipped: readonly SkippedTrack[]
      readonly offered: readonly string[]
      readonly wanted: readonly string[]
    }

/** What costs one transcode beside another. */
export interface TranscodeTable {
  cost(from: CodecParameters, to: Accept): number | undefined
}
/** What may be done to media on its way, where the level above (gateway, stream) is to be overruled. */
export interface MediaPolicy {
  /** What is transcoded when codecs do not fit: nothing, sound only, or sound and pictures. Default: both. */
  readonly transcode?: 'off' | 'audio' | 'when-needed'
  /**
   * Towards destinations that cannot reorder: leave B-frames out where no picture refers to them (else transcode), always
   * transcode, or refuse.
   */
  readonly bFrames?: 'drop' | 'transcode' | 'reject'
  /** Pictures are always transcoded to this size, so that it never changes. */
  readonly lockResolution?: PictureSize
}
/** What the gateway allows itself when forms and codecs do not fit. */
export interface NegotiatePolicy extends TranscodeTable, MediaPolicy {
  /** Why what has no cost cannot be made ("transcoding is off", "ffmpeg is missing"); undefined: nobody makes it. */
  readonly unavailable: string | undefined
  readonly bFrames: 'drop' | 'transcode' | 'reject'
}
