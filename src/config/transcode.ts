/** The `transcode` section: what may be done to media that does not fit its destination, and at what price. */
import { z } from 'zod'
import { isPattern, matchesAny } from '../access/pattern.ts'
import type { MediaPolicy } from '../core/types.ts'
import type { PictureSize } from '../media/types.ts'
import type { FfmpegSettings } from '../transcode/ffmpeg-transcoder.ts'

const pattern = z.string().refine(isPattern, 'is not a pattern of stream names such as live/* or live/**')
const shortest = 16
const longest = 8192

const isLength = (length: number): boolean => length >= shortest && length <= longest && length % 2 === 0

const readSize = (text: string): PictureSize | undefined => {
  const [width = 0, height = 0] = (/^(\d{1,5})x(\d{1,5})$/.exec(text) ?? []).slice(1).map(Number)
  return isLength(width) && isLength(height) ? { width, height } : undefined
}

const rules = {
  /** What is transcoded where codecs do not fit: nothing, sound only, or sound and pictures. */
  policy: z.enum(['off', 'audio', 'when-needed']),
  /**
   * Towards destinations that cannot show B-frames: leave them out where no picture refers to them (else transcode),
   * always transcode, or refuse.
   */
  bFrames: z.enum(['drop', 'transcode', 'reject']),
  /** `1280x720`: pictures are always transcoded to this size, with borders where the shape differs. */
  lockResolution: z.string().refine(text => readSize(text) !== undefined, {
    error: ({ input }) => `${input} is not WIDTHxHEIGHT with even numbers from ${shortest} to ${longest}`,
  }),
}

/** For some streams, or for one bridge: what is not said is as the level above says. */
export const mediaPolicySchema = z.strictObject(rules).partial()
export type MediaPolicyInput = z.infer<typeof mediaPolicySchema>

export const transcodeSchema = z.strictObject({
  /** false: ffmpeg is not even looked for. */
  enabled: z.boolean().default(true),
  ffmpeg: z.string().min(1).default('ffmpeg'),
  /** Cores that all transcodes together may keep busy; one that does not fit is refused. Default: all but one. */
  cores: z.number().positive().max(1024).optional(),
  policy: rules.policy.default('when-needed'),
  bFrames: rules.bFrames.default('drop'),
  lockResolution: rules.lockResolution.optional(),
  /** For some streams otherwise. The first that fits a name gives what it names; the rest is as above. */
  rules: z.array(z.strictObject({ match: pattern, ...mediaPolicySchema.shape })).default([]),
})
export type TranscodeConfig = z.infer<typeof transcodeSchema>

/** Only what was said, so that the level above holds for the rest. */
export const mediaPolicy = ({ policy, bFrames, lockResolution }: MediaPolicyInput): MediaPolicy => {
  const size = lockResolution === undefined ? undefined : readSize(lockResolution)
  return {
    ...(policy !== undefined && { transcode: policy }),
    ...(bFrames !== undefined && { bFrames }),
    ...(size !== undefined && { lockResolution: size }),
  }
}

export const ffmpegSettings = ({ enabled, ffmpeg, cores }: TranscodeConfig): FfmpegSettings => ({
  enabled,
  ffmpegPath: ffmpeg,
  ...(cores !== undefined && { cores }),
})

/** What holds for the stream of this name. */
export const mediaPolicyOf = (config: TranscodeConfig, stream: string): MediaPolicy => {
  const found = config.rules.find(({ match }) => matchesAny([match], stream))
  return { ...mediaPolicy(config), ...mediaPolicy(found ?? {}) }
}
