/** All transcoders of a gateway: voices in process, everything else with ffmpeg. */
import type { Transcoder } from '../core/types.ts'
import type { Budget } from './budget.ts'
import { createFfmpegTranscoder, type FfmpegTranscoderOptions } from './ffmpeg-transcoder.ts'
import type { TranscodeStats } from './types.ts'
import { noVoices, type VoiceTotals } from './voice/voice-totals.ts'
import { createVoiceTranscoder } from './voice/voice-transcoder.ts'

export interface Transcoding {
  readonly transcoders: readonly Transcoder[]
  /** Why what is not made in process cannot be made at all; undefined when it can. */
  readonly unavailable: string | undefined
  /** Jobs now running. */
  running(): readonly TranscodeStats[]
  /** Of the jobs in process, so far. */
  voices(): VoiceTotals
  /** Of ffmpeg's jobs: those in process take next to nothing. */
  readonly budget: Pick<Budget, 'cores' | 'used'>
}

/** Looks for ffmpeg and never rejects. */
export const createTranscoding = async (options: FfmpegTranscoderOptions): Promise<Transcoding> => {
  const ffmpeg = await createFfmpegTranscoder(options)
  const { unavailable, budget } = ffmpeg
  if (!options.enabled)
    return { transcoders: [ffmpeg], unavailable, running: () => [], voices: () => noVoices, budget }
  if (unavailable !== undefined) options.log.warn({}, unavailable)
  const voice = createVoiceTranscoder({ clock: options.clock, log: options.log, instead: ffmpeg })
  const running = (): readonly TranscodeStats[] => [...ffmpeg.running(), ...voice.running()]
  return { transcoders: [voice, ffmpeg], unavailable, running, voices: voice.totals, budget }
}
