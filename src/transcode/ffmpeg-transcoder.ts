/** The transcoder that works with ffmpeg children. */
import { availableParallelism } from 'node:os'
import type { Clock, Transcoder } from '../core/types.ts'
import { GatewayError } from '../errors.ts'
import type { CodecId } from '../media/types.ts'
import { type Budget, createBudget } from './budget.ts'
import { decoderOf, ENCODERS, isTarget, transcodeCost } from './cost.ts'
import { type Ffmpeg, type FoundFfmpeg, findFfmpeg } from './ffmpeg.ts'
import { Job } from './job.ts'
import { AUDIO_CORES } from './load.ts'
import type { TranscodeLog, TranscodeStats } from './types.ts'
import { coresNeeded } from './video/intake.ts'

/** What may be otherwise for the jobs to come. */
export interface FfmpegSettings {
  /** false: no transcoding at all; ffmpeg is not even looked for. */
  readonly enabled: boolean
  /** A path, or a name looked up in PATH. Default 'ffmpeg'. */
  readonly ffmpegPath?: string
  /** Cores that all jobs together may keep busy. Default: all but one, at least one. */
  readonly cores?: number
}
export interface FfmpegTranscoderOptions extends FfmpegSettings {
  /** Bits per second and channel of Opus and AAC. Default 64000, so stereo gets 128 kbit/s. */
  readonly bitratePerChannel?: number
  readonly clock: Clock
  readonly log: TranscodeLog
}
export interface FfmpegTranscoder extends Transcoder {
  /** Why nothing can be transcoded, in words for the plan; undefined when it can. */
  readonly unavailable: string | undefined
  /** Version of the ffmpeg in use. */
  readonly version: string | undefined
  /** Jobs now running. */
  running(): readonly TranscodeStats[]
  /** What jobs may keep busy, and what is set aside for those now running, in cores. */
  readonly budget: Pick<Budget, 'cores' | 'used'>
  /** Jobs that run go on as they are. Looks for ffmpeg (once per path) and never rejects. */
  apply(settings: FfmpegSettings): Promise<void>
}

const DEFAULT_BITRATE_PER_CHANNEL = 64_000

/** One is left to the gateway itself. */
const defaultCores = (): number => Math.max(1, availableParallelism() - 1)

const find = ({ enabled, ffmpegPath }: FfmpegSettings): Promise<FoundFfmpeg> | FoundFfmpeg =>
  enabled ? findFfmpeg(ffmpegPath) : { missing: 'transcoding is off' }

/** Looks for ffmpeg (once per path) and never rejects: `unavailable` says what is wrong. */
export const createFfmpegTranscoder = async (options: FfmpegTranscoderOptions): Promise<FfmpegTranscoder> => {
  const jobs = new Set<Job>()
  const budget = createBudget(defaultCores())
  let ffmpeg: Ffmpeg | undefined
  let unavailable: string | undefined

  const apply = async (settings: FfmpegSettings): Promise<void> => {
    const found = await find(settings)
    ffmpeg = 'ffmpeg' in found ? found.ffmpeg : undefined
    unavailable = 'missing' in found ? found.missing : undefined
    budget.resize(settings.cores ?? defaultCores())
  }
  await apply(options)

  const canMake = (from: CodecId, to: CodecId): boolean =>
    ffmpeg !== undefined &&
    isTarget(to) &&
    ffmpeg.encoders.has(ENCODERS[to]) &&
    decoderOf(from, ffmpeg.decoders) !== undefined

  return {
    name: 'ffmpeg',
    get unavailable() {
      return unavailable
    },
    get version() {
      return ffmpeg?.version
    },
    apply,
    cost: (from, to) => (canMake(from.codec, to.codec) ? transcodeCost(from, to) : undefined),
    running: () => [...jobs].map(job => job.stats),
    budget,
    async open(from, to, out) {
      if (ffmpeg === undefined) throw new GatewayError('transcode-unavailable', unavailable)
      const reservation = budget.reserve(from.kind === 'video' ? coresNeeded(from, to) : AUDIO_CORES)
      const { clock, log, bitratePerChannel = DEFAULT_BITRATE_PER_CHANNEL } = options
      try {
        const job = new Job(from, to, out, { ffmpeg, bitratePerChannel, clock, log, reservation })
        jobs.add(job)
        void job.closed.then(() => jobs.delete(job))
        return job
      } catch (error) {
        reservation.release()
        throw error
      }
    },
  }
}
