import { z } from 'zod'
import { isPattern } from '../access/pattern.ts'
import { isTemplate } from './file-name.ts'

const bytes = z.int().min(0)

/** The `recordings` section: where recordings are, which are made by themselves, and how long they are kept. */
export const recordingsSchema = z.strictObject({
  directory: z.string().min(1).default('./recordings'),
  /** All recordings together; beyond it the oldest go. 0: no limit. */
  maxBytes: bytes.default(0),
  /** Older ones go. 0: no limit. */
  maxAgeDays: z.number().min(0).default(0),
  /** Room that is left on the disk: below it the oldest go, and no recording or job begins. 0: no limit. */
  minFreeBytes: bytes.default(256 << 20),
  /** Streams recorded whenever they are live. */
  auto: z
    .array(z.string().refine(isPattern, 'is not a pattern of stream names such as live/* or live/**'))
    .default([]),
  /** Their files' names: {stream}, {date} and {time} (UTC). */
  name: z
    .string()
    .refine(isTemplate, 'must hold {time} and end in .flv; known are {stream}, {date} and {time}')
    .default('{stream}/{date}T{time}Z.flv'),
  /** File jobs at once, and how many more may wait. */
  jobs: z
    .strictObject({ atOnce: z.int().min(1).max(16).default(1), waiting: z.int().min(0).default(100) })
    .prefault({}),
})

export type RecordingsConfig = z.output<typeof recordingsSchema>
