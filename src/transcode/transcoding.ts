/** All transcoders of a gateway: voices in process, everything else with ffmpeg. */
import type { Transcoder } from '../core/types.ts'
import type { Budget } from './budget.ts'
import {
  createFfmpegTranscoder,
  type FfmpegSettings,
  type FfmpegTranscoderOptions,
} from './ffmpeg-transcoder.ts'
import type { TranscodeStats } from './types.ts'
import type { VoiceTotals } from './voice/voice-totals.ts'
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
  /** Jobs that run go on as they are. Looks for ffmpeg and never rejects. */
  apply(settings: FfmpegSettings): Promise<void>
}

/** Looks for ffmpeg and never rejects. */
export const createTranscoding = async (options: FfmpegTranscoderOptions): Promise<Transcoding> => {
  const { clock, log } = options
  const ffmpeg = await createFfmpegTranscoder(options)
  const voice = createVoiceTranscoder({ clock, log, instead: ffmpeg })
  let { enabled } = options
  const ifEnabled: Transcoder['cost'] = (from, to) => (enabled ? voice.cost(from, to) : undefined)
  const tell = (): void => {
    if (enabled && ffmpeg.unavailable !== undefined) log.warn({}, ffmpeg.unavailable)
  }
  tell()
  return {
    transcoders: [{ ...voice, cost: ifEnabled }, ffmpeg],
    get unavailable() {
      return ffmpeg.unavailable
    },
    running: () => [...ffmpeg.running(), ...voice.running()],
    voices: voice.totals,
    budget: ffmpeg.budget,
    async apply(settings) {
      await ffmpeg.apply(settings)
      enabled = settings.enabled
      tell()
    },
  }
}
