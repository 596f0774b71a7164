/** The two ends of a voice transcode: packets to samples and back. */

/** Samples are of 16 bits, interleaved. */
export interface VoiceDecoder {
  /** Samples per second and channel that come out. */
  readonly rate: number
  readonly channels: number
  /** undefined: damaged. The samples are the caller's own. */
  decode(payload: Uint8Array): Int16Array | undefined
  /** So many samples per channel in place of a packet that is lost. */
  conceal(samples: number): Int16Array
}
export interface VoiceEncoder {
  readonly rate: number
  readonly channels: number
  /** "opus 48000 Hz 1 ch 24 kbit/s" */
  readonly label: string
  /** Exactly 20 ms. What is returned is the caller's own. */
  encode(pcm: Int16Array): Uint8Array
}
