/** What a stream tells its registry. `S` is the stream. */
import type { CloseReason, StreamInfo, SubscriberInfo, TranscodeInfo } from './types.ts'

export interface StreamEvents<S> {
  onReady(stream: S): void
  /** The publisher of a ready stream was lost. */
  onWaiting(stream: S, reason: CloseReason): void
  /** There is one again. */
  onResumed(stream: S): void
  /** A publisher that was ready has gone. */
  onClosed(info: StreamInfo, reason: CloseReason): void
  /** The name is free. */
  onGone(stream: S): void
  onJoined(stream: S, reader: SubscriberInfo): void
  onLeft(stream: S, reader: SubscriberInfo, reason: CloseReason): void
  /** `ended` undefined: it began. */
  onTranscode(stream: S, transcode: TranscodeInfo, ended: CloseReason | undefined): void
}
