/** What the gateway injects, and what it may ask. */
import type { TranscodeProgress } from '../core/types.ts'

/** The part of the gateway's logger that is used here. Fields first, sentence second. */
export interface TranscodeLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** The times of encoded packets as readers see them: never backwards, whoever made them. */
export interface OutputTimeline {
  /** undefined: the time of this packet is already taken. */
  place(pts: number, duration: number): { readonly pts: number; readonly discontinuity: boolean } | undefined
  /** The source's clock was set anew: times start over with the next packet. */
  reset(): void
}

/** With what only the log and the tests look at. */
export interface TranscodeStats extends TranscodeProgress {
  readonly from: string
  readonly to: string
  /** Process id of the ffmpeg now at work; undefined while it waits to be restarted. */
  readonly pid: number | undefined
  /** Share of the processor that is set aside for it, in cores. */
  readonly cores: number
  /** Encoded packets that lay before the first sample of a run, as encoders begin; left out. */
  readonly primed: number
  readonly lastFailure: string | undefined
}
