import { z } from 'zod'
import { secretSchema } from '../adapters/secret.ts'
import { isTypePattern } from '../events/event.ts'

const target = {
  url: z.url({ protocol: /^https?$/ }),
  /** Signs what is sent: the text itself, `env:NAME` or `file:PATH`. */
  secret: secretSchema(16),
}
const pattern = z.string().refine(isTypePattern, 'is no type of event, such as stream:ready or stream:*')

/** The `webhooks` section: who is told of events. */
export const webhooksSchema = z.array(
  z.strictObject({
    ...target,
    /** Types of events; `stream:*` stands for all that begin so. */
    events: z.array(pattern).min(1).default(['*']),
    timeoutMs: z.int().min(100).max(60_000).default(5_000),
    /** Tries of one event, with growing waits in between, before it is given up. 12 are about ten minutes. */
    attempts: z.int().min(1).max(100).default(12),
    /** Events that may wait; what comes beyond is dropped and counted. */
    queue: z.int().min(1).max(100_000).default(1_000),
  }),
)
export type WebhookConfig = z.output<typeof webhooksSchema>[number]

/** `access.hook`: who is asked, besides the rules, whether somebody may publish, play or call. */
export const accessHookSchema = z.strictObject({
  ...target,
  /** No answer in time is a no. */
  timeoutMs: z.int().min(10).max(60_000).default(2_000),
})
export type AccessHookConfig = z.output<typeof accessHookSchema>
