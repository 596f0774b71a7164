/** The transcoder for voices, in process: G.711, G.722, L16 and Opus, each into each. */
import type { Clock, Transcoder } from '../../core/types.ts'
import type { TranscodeLog, TranscodeStats } from '../types.ts'
import { voiceCost } from './cost.ts'
import { loadOpus, type Opus } from './opus.ts'
import { VoiceJob } from './voice-job.ts'
import { addVoice, noVoices, type VoiceTotals } from './voice-totals.ts'

export interface VoiceTranscoderOptions {
  readonly clock: Clock
  readonly log: TranscodeLog
  /** Takes over where Opus does not load. */
  readonly instead: Transcoder
  /** Default: the one in the package. */
  readonly load?: () => Promise<Opus>
}
export interface VoiceTranscoder extends Transcoder {
  /** Jobs now running. */
  running(): readonly TranscodeStats[]
  /** Of all jobs so far. */
  readonly totals: () => VoiceTotals
}

/** Lines about loss, of all jobs together. */
const TELL_EVERY_US = 1_000_000

export const createVoiceTranscoder = (options: VoiceTranscoderOptions): VoiceTranscoder => {
  const { clock, log, instead, load = loadOpus } = options
  const jobs = new Set<VoiceJob>()
  let ended = noVoices
  let failed = false
  let toldUs = Number.NEGATIVE_INFINITY

  const mayTell = (nowUs: number): boolean => {
    if (nowUs - toldUs < TELL_EVERY_US) return false
    toldUs = nowUs
    return true
  }

  const opusFor = async (needed: boolean): Promise<Opus | undefined> => {
    if (!needed || failed) return undefined
    return load().catch((err: unknown) => {
      failed = true
      log.warn({ err }, 'Opus does not load in process on this system: ffmpeg makes and reads it')
      return undefined
    })
  }

  return {
    name: 'in process',
    cost: (from, to) => {
      const needsOpus = from.codec === 'opus' || to.codec === 'opus'
      return needsOpus && failed ? undefined : voiceCost(from, to)
    },
    running: () => [...jobs].map(job => job.stats),
    totals: () => [...jobs].reduce((totals, { stats }) => addVoice(totals, stats), ended),
    async open(from, to, out) {
      const needsOpus = from.params.codec === 'opus' || to.codec === 'opus'
      const opus = await opusFor(needsOpus)
      if (needsOpus && opus === undefined) return instead.open(from, to, out)
      const job = new VoiceJob(from, to, out, { opus, clock, log, mayTell })
      jobs.add(job)
      void job.closed.then(() => {
        jobs.delete(job)
        ended = { ...addVoice(ended, job.stats), worstJitterMs: 0 }
      })
      return job
    },
  }
}
