/**
 * NUT, the open container that ffmpeg reads and writes on pipes without probing or holding anything back: the stream
 * is described up front (with its codec data) and each frame carries its own time. Specification: nut.txt, version 3
 * and the syncpoint-free mode of version 4.
 */

export interface NutStream {
  readonly kind: 'audio' | 'video' | 'other'
  /** Codec tag: two bytes for those of WAVE, else four. */
  readonly fourcc: Uint8Array
  /** Seconds per tick as a fraction; audio uses 1 / sample rate. */
  readonly timeBase: { readonly numerator: number; readonly denominator: number }
  /** AudioSpecificConfig, OpusHead, …; empty when the codec has none. */
  readonly codecData: Uint8Array
  /** Hertz and count; 0 for video. */
  readonly sampleRate: number
  readonly channels: number
  /** Picture size; 0 for audio. */
  readonly width: number
  readonly height: number
}

export interface NutReaderEvents {
  /** Once per stream, before its first frame. */
  onStream(id: number, stream: NutStream): void
  /** `pts` in ticks of the stream. `data` is never written again and may be kept. */
  onFrame(id: number, pts: number, key: boolean, data: Uint8Array): void
  /** The bytes are not NUT; everything after is ignored. Said once. */
  onDamage(cause: string): void
}
export interface NutReader {
  /** Any cut of the byte stream; the bytes are kept by reference. Never throws for their content. */
  push(bytes: Uint8Array): void
}
