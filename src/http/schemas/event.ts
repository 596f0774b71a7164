import { z } from 'zod'
import { EVENT_TYPES, type EventType, isTypePattern } from '../../events/event.ts'
import { named, time } from './named.ts'

const types = Object.keys(EVENT_TYPES) as [EventType, ...EventType[]]

export const eventSchema = named(
  'Event',
  z.object({
    id: z.string().describe('Rises within one run of the gateway'),
    time,
    type: z.enum(types),
    stream: z.string().optional(),
    reason: z.string().optional().describe('Why, in one sentence'),
    code: z.string().optional().describe('Code of the reason or error'),
    data: z.record(z.string(), z.unknown()).optional(),
  }),
)

export const eventQuerySchema = z.strictObject({
  stream: z.string().max(300).optional().describe('A name, or a beginning and *'),
  type: z
    .string()
    .transform(text => text.split(','))
    .refine(patterns => patterns.every(isTypePattern), `must name types of events: ${types.join(', ')}`)
    .optional()
    .describe('Types, separated by commas; stream:* stands for all that begin so'),
  recent: z.coerce.number().int().min(0).max(1000).optional().describe('So many of the newest first'),
  lastEventId: z.string().max(64).optional().describe('As the header Last-Event-ID'),
})
export type EventQuery = z.output<typeof eventQuerySchema>
