/** FLV tags are also RTMP messages: type, time and body are the same bytes. Pure: no I/O, no timers. */
import type { TrackEvents } from '../track-output.ts'

export type FlvTagType = 8 | 9 | 18
export interface FlvTag {
  readonly type: FlvTagType
  /** Milliseconds, as on the wire (32 bit, may wrap); the reader unwraps. */
  readonly timestampMs: number
  readonly body: Uint8Array
}

/**
 * What a reader found. Track ids are 'video', 'audio', and 'video-1', 'audio-1', … for Enhanced RTMP
 * multitrack.
 */
export interface FlvReaderEvents extends TrackEvents {
  onMetadata(data: Readonly<Record<string, unknown>>): void
  /**
   * One tag or packet was dropped, or its time mended. Called each time; the number of different causes is
   * bounded.
   */
  onDamage(cause: string): void
}
/** Tags in; tracks, parameters and frames out. Never throws for the content of a tag. */
export interface FlvReader {
  /**
   * `arrivalUs`: monotonic clock of the gateway. The body is kept by reference in the frames: never reuse it.
   */
  push(tag: FlvTag, arrivalUs: number): void
  readonly damage: Readonly<Record<string, number>>
}
