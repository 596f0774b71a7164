/** Recordings, file jobs, sources and the configuration. */
import { z } from 'zod'
import { jobRequest } from '../../jobs/request.ts'
import { count, named, time } from './named.ts'

const sentence = z.string().nullable()

export const recordingsSchema = named(
  'Recordings',
  z.object({
    recordings: z.array(
      z.object({
        name: z.string().describe('Path under the recordings directory'),
        bytes: count,
        modified: time,
        open: z.boolean().describe('Being written, or read by a job'),
      }),
    ),
    bytes: count.describe('Of all together'),
    freeBytes: count.describe('What the disk has left'),
  }),
)

export const jobRequestSchema = named('JobRequest', jobRequest)
export const jobSchema = named(
  'Job',
  z.object({
    id: z.string(),
    kind: z.enum(['remux', 'cut', 'thumbnail']),
    from: z.string(),
    to: z.string(),
    state: z.enum(['queued', 'running', 'done', 'failed', 'cancelled']),
    progress: z.number().min(0).max(1),
    error: sentence,
    code: z.string().nullable().describe('Code of the error'),
    bytes: count.nullable().describe('Of the file that it made'),
    created: time,
    ended: time.nullable(),
  }),
)
export const jobsSchema = named('Jobs', z.object({ jobs: z.array(jobSchema) }))
export type JobView = z.input<typeof jobSchema>

const sourceSchema = named(
  'Source',
  z.object({
    stream: z.string(),
    url: z.string().describe('Without keys'),
    onDemand: z.boolean(),
    state: z
      .enum(['idle', 'connecting', 'live', 'backoff', 'failed', 'ended'])
      .describe('idle: nobody wants it'),
    lastError: sentence,
    code: z.string().nullable(),
    retries: count.describe('Connections tried again since it was wanted'),
    nextRetryAt: time.nullable(),
    viewers: count,
  }),
)
export const sourcesSchema = named('Sources', z.object({ sources: z.array(sourceSchema) }))
export type SourceView = z.input<typeof sourceSchema>

const reloadClass = z
  .enum(['live', 'next-session', 'restart'])
  .describe('When a change takes effect: at once, for what begins from then on, or at the next start')
const value = z.unknown().describe('Without keys and passwords; null: not set')
const changeSchema = named(
  'ConfigChange',
  z.object({ key: z.string(), from: value, to: value, class: reloadClass }),
)
export const changesSchema = named('ConfigChanges', z.object({ changes: z.array(changeSchema) }))
export const configSchema = named(
  'Config',
  z.object({
    keys: z.array(
      z.object({ key: z.string(), value, origin: z.enum(['flag', 'file', 'default']), class: reloadClass }),
    ),
    pending: z.array(changeSchema).describe('Read, and waiting for a restart'),
    lastReload: z
      .object({ at: time, error: sentence.describe('Why the configuration stayed as it was') })
      .nullable(),
  }),
)
export const planRequestSchema = named(
  'ConfigPlanRequest',
  z.strictObject({
    config: z.record(z.string(), z.unknown()).describe('What a configuration file would hold'),
  }),
)
