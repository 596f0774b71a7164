/** What can be done to a recording. Typed options only: no word of a request becomes an option of ffmpeg. */
import { z } from 'zod'

/** Names are checked again, against the directory, when the job is made. */
const fileName = (extensions: readonly string[]) =>
  z
    .string()
    .max(512)
    .refine(
      name => extensions.some(extension => name.toLowerCase().endsWith(extension)),
      `must end in ${extensions.join(' or ')}`,
    )
/** A day is more than any recording lasts that a job should take on. */
const seconds = z.number().min(0).max(86_400)
const source = fileName(['.flv', '.mp4'])

const remux = z.strictObject({
  kind: z.literal('remux'),
  from: source,
  /** The index goes to the front of the file, so that players begin before they have it all. */
  to: fileName(['.mp4']),
})
const cut = z.strictObject({
  kind: z.literal('cut'),
  from: source,
  to: fileName(['.mp4', '.flv']),
  /** Seconds from the beginning; the copy starts at the key frame before. */
  start: seconds.default(0),
  /** Seconds. */
  duration: seconds.gt(0),
})
const thumbnail = z.strictObject({
  kind: z.literal('thumbnail'),
  from: source,
  to: fileName(['.jpg']),
  /** Seconds from the beginning of the picture that is wanted. */
  at: seconds.default(0),
  /** Pixels; the height follows. Smaller pictures stay as they are. */
  width: z.int().min(16).max(3840).default(640),
})

/** The body of `POST /v1/jobs`. */
export const jobRequest = z.discriminatedUnion('kind', [remux, cut, thumbnail])
export type JobRequest = z.output<typeof jobRequest>
export type JobInput = z.input<typeof jobRequest>
