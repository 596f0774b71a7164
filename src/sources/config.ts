import { z } from 'zod'
import { parseStreamName } from '../core/stream-name.ts'

const streamName = z.string().refine(text => {
  try {
    return parseStreamName(text) === text
  } catch {
    return false
  }
}, 'is not a stream name such as live/cam')

const source = z.strictObject({
  /** A URL, or an FLV file: absolute, or under the recordings directory. */
  url: z.string().min(1).max(2048),
  /** true: connected when somebody wants the stream; false: always. */
  onDemand: z.boolean().default(true),
  /** On demand: nobody has watched for so long, and it is let go. */
  idleS: z.number().min(0).max(86_400).default(10),
  /** On demand: a viewer waits so long for it. */
  startS: z.number().gt(0).max(120).default(10),
})

/** The `sources` section: streams that the gateway fetches itself. A text is short for `{ url }`. */
export const sourcesSchema = z
  .record(
    streamName,
    z.preprocess(value => (typeof value === 'string' ? { url: value } : value), source),
  )
  .default({})

export type SourceConfig = z.output<typeof source>
export type SourcesConfig = Readonly<Record<string, SourceConfig>>
