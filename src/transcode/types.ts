/** What the gateway injects, and what it may ask. */

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

/** One running transcode, for people and monitoring. Counters only grow. */
export interface TranscodeStats {
  readonly from: string
  readonly to: string
  /** Process id of the ffmpeg now at work; undefined while it waits to be restarted. */
  readonly pid: number | undefined
  /** Share of the processor that is set aside for it, in cores. */
  readonly cores: number
  readonly restarts: number
  readonly packetsIn: number
  readonly packetsOut: number
  /** Encoded packets that lay before the first sample of a run, as encoders begin; left out. */
  readonly primed: number
  /** Source packets that did not reach the encoder, and encoded ones not handed on, by cause. */
  readonly dropped: Readonly<Record<string, number>>
  /** From the moment the last sample of a packet came in to the moment the packet went out. Smoothed. */
  readonly latencyMs: number
  readonly lastFailure: string | undefined
  /** Of live sound in process: made up for what was lost, let pass as silence of the sender, unevenness met, in ms. */
  readonly concealedMs?: number
  readonly silentMs?: number
  readonly jitterMs?: number
}
