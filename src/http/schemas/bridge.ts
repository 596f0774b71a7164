import { z } from 'zod'
import { mediaPolicySchema } from '../../config/transcode.ts'
import { count, named, time } from './named.ts'
import { planSchema } from './plan.ts'
import { subscriptionStatsSchema, waitingSchema } from './stream.ts'

const state = z.enum(['connecting', 'live', 'backoff', 'failed', 'ended'])
const sentence = z.string().nullable()

const checkSchema = named(
  'Check',
  z.object({
    check: z.string(),
    ok: z.boolean().nullable().describe('null: not measured yet'),
    measured: z.string(),
    wanted: z.string(),
    repair: sentence.describe('What is done about it; null: nothing'),
  }),
)

const peerSchema = named(
  'Peer',
  z.object({
    does: z.enum(['send', 'receive']).describe('Whether that end sends to us or gets from us'),
    sdp: z.string().nullable().describe('A session description (RFC 8866), ready to be saved'),
    commands: z
      .array(z.object({ program: z.enum(['ffmpeg', 'gstreamer']), line: z.string() }))
      .describe('What that end may run'),
  }),
)
const peer = peerSchema.nullable().describe('What the other end must know, where no signalling tells it')

const legSchema = named(
  'Leg',
  z.object({
    to: z.string().describe('The destination as given, without its keys'),
    state,
    waiting: waitingSchema
      .nullable()
      .describe('It is connected and gets nothing: the publisher was lost and may come back for so long'),
    lastError: sentence.describe('What was wrong last; stays when it is live again'),
    lastErrorAt: time.nullable(),
    code: z.string().nullable().describe('Code of the last error'),
    retries: count,
    nextRetryAt: time.nullable(),
    plan: planSchema.nullable(),
    bytes: count.describe('Payload over all connections'),
    stats: subscriptionStatsSchema.nullable(),
    profile: z.string().nullable().describe('Whose wishes the media is checked by: a service, or generic'),
    preflight: z.array(checkSchema),
    peer,
  }),
)

/** One source carried to its destinations. */
export const bridgeSchema = named(
  'Bridge',
  z.object({
    id: z.string(),
    from: z.string().describe('As given, without keys'),
    stream: z.string().describe('The stream it reads'),
    state,
    waiting: waitingSchema
      .optional()
      .describe('The publisher was lost; its destinations are kept for so long'),
    reason: z.string().optional().describe('Why it is over, when it is'),
    source: z
      .object({ state, lastError: sentence, retries: count, peer })
      .optional()
      .describe('Where the bridge itself connects the source'),
    legs: z.array(legSchema),
  }),
)
export const bridgesSchema = named('Bridges', z.object({ bridges: z.array(bridgeSchema) }))

const endpoint = z.string().min(1).max(2048)

export const bridgeRequestSchema = named(
  'BridgeRequest',
  z.strictObject({
    from: z
      .union([
        endpoint.describe('URL, stream:NAME, or a file under the recordings directory'),
        z.strictObject({
          sdp: z.string().max(65_536).describe('A session description of RTP that is sent to us'),
        }),
      ])
      .describe('The source'),
    to: z.array(endpoint).min(1),
    transcode: mediaPolicySchema
      .optional()
      .describe('What may be done to media on the way, where it is otherwise than for the stream'),
  }),
)

export type PeerView = z.input<typeof peerSchema>
export type LegView = z.input<typeof legSchema>
export type BridgeView = z.input<typeof bridgeSchema>
