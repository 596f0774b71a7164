/**
 * Sound towards a telephone: whatever the source does, a packet of 20 ms leaves every 20 ms, on one time line that
 * never stops. Gaps are filled with silence, bursts wait, a clock that drifts is followed.
 */
import type { Sink, TrackClock } from '../../core/types.ts'
import type { Digit, DigitWay } from '../../media/dtmf/digits.ts'
import type { PressTimes } from '../../media/dtmf/event-script.ts'
import type { AudioCodec, RtpPacket } from '../../media/types.ts'

/** What goes out, as it was agreed on. */
export interface PacedFormat {
  readonly codec: Extract<AudioCodec, 'pcmu' | 'pcma' | 'g722' | 'l16' | 'opus'>
  readonly clockRate: number
  readonly channels: number
  readonly payloadType: number
  /** The payload type of telephone-event; absent: the peer takes none. */
  readonly events?: { readonly payloadType: number; readonly clockRate: number }
}

export interface PacedAudio {
  /** Takes the packets of a track in the codec of the format, of any packet time. */
  readonly sink: Sink<RtpPacket>
  /**
   * The next packet comes from another track; SSRC, numbers and time line go on. With its clock, reports say when sound
   * was captured, else when it leaves. `passes`: a sender on the network has given its packets their pace. Those of
   * 20 ms, and of codecs that cannot be cut, are passed on as they come, without delay: loss and jitter are left to
   * the far side's own buffer, and only a pause is filled.
   */
  retarget(clock?: TrackClock, passes?: boolean): void
  /** Another format was agreed on; SSRC, numbers and time line go on. */
  adopt(format: PacedFormat): void
  /** true: silence is sent, whatever comes in (the peer is on hold, or not to hear this). */
  mute(muted: boolean): void
  /** true: nothing leaves (the peer may not be sent to); no sequence number is used, while time goes on. */
  pause(paused: boolean): void
  /** Ways in which digits can be sent here, the best first; none: only INFO is left. */
  readonly digitWays: readonly Exclude<DigitWay, 'info'>[]
  /**
   * Sends digits in place of the sound; further ones wait for those before. Resolves when the last has left.
   * @throws GatewayError 'unsupported-codec' when `way` is none of `digitWays`
   */
  sendDigits(digits: readonly Digit[], way: Exclude<DigitWay, 'info'>, times?: PressTimes): Promise<void>
  readonly stats: PacedAudioStats
  /** Nothing leaves any more. Idempotent. */
  close(): void
}

/** Counters only grow. */
export interface PacedAudioStats {
  readonly packets: number
  /** Packets of silence in place of sound that had not come. */
  readonly filled: number
  /** Packets' worth of sound left out because more had come than may wait, or silence had stood for it. */
  readonly skipped: number
  /** Of another codec, or damaged. */
  readonly malformed: number
  /** From the arrival of sound to the moment it leaves, smoothed. */
  readonly delayMs: number
}
