/** The transcoder that works with ffmpeg children. The only entry to this folder. */
import type { Clock, Transcoder } from '../core/types.ts'
import { GatewayError } from '../errors.ts'
import type { CodecId } from '../media/types.ts'
import { ENCODERS, isTarget, transcodeCost } from './cost.ts'
import { type Ffmpeg, findFfmpeg } from './ffmpeg.ts'
import { Job } from './job.ts'
import type { TranscodeLog, TranscodeStats } from './types.ts'

export interface FfmpegTranscoderOptions {
  /** false: no transcoding at all; ffmpeg is not even looked for. */
  readonly enabled: boolean
  /** A path, or a name looked up in PATH. Default 'ffmpeg'. */
  readonly ffmpegPath?: string
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
}

const DEFAULT_BITRATE_PER_CHANNEL = 64_000

/** Looks for ffmpeg (once per path) and never rejects: `unavailable` says what is wrong. */
export const createFfmpegTranscoder = async (options: FfmpegTranscoderOptions): Promise<FfmpegTranscoder> => {
  const found = options.enabled ? await findFfmpeg(options.ffmpegPath) : { missing: 'transcoding is off' }
  const ffmpeg: Ffmpeg | undefined = 'ffmpeg' in found ? found.ffmpeg : undefined
  const unavailable = 'missing' in found ? found.missing : undefined
  const jobs = new Set<Job>()

  const canMake = (codec: CodecId): boolean =>
    ffmpeg !== undefined && isTarget(codec) && ffmpeg.encoders.has(ENCODERS[codec])

  return {
    name: 'ffmpeg',
    unavailable,
    version: ffmpeg?.version,
    cost: (from, to) => (canMake(to.codec) ? transcodeCost(from, to) : undefined),
    running: () => [...jobs].map(job => job.stats),
    async open(from, to, out) {
      if (ffmpeg === undefined) throw new GatewayError('transcode-unavailable', unavailable)
      const job = new Job(from, to, out, {
        ffmpeg,
        bitratePerChannel: options.bitratePerChannel ?? DEFAULT_BITRATE_PER_CHANNEL,
        clock: options.clock,
        log: options.log,
      })
      jobs.add(job)
      void job.closed.then(() => jobs.delete(job))
      return job
    },
  }
}
