import { z } from 'zod'
import { count, named, time } from './named.ts'
import { planSchema } from './plan.ts'

const counted = z.record(z.string(), z.int()).describe('By reason')

/** What a protocol knows of the way to its peer. */
const linkSchema = named(
  'Link',
  z.object({
    roundTripMs: z.number().optional(),
    jitterMs: z.number().optional(),
    packets: count.optional(),
    lost: z.int().optional().describe('Packets; what was repaired is not counted'),
    fractionLost: z.number().min(0).max(1).optional().describe('Over the last reporting interval'),
    nacks: count.optional().describe('Packets asked for again by the receiving side'),
    resent: count.optional(),
    repaired: count.optional(),
    pictureLossRequests: count.optional().describe('Key frames asked for by PLI or FIR'),
    sentBytes: count.optional().describe('Over TCP: taken by the operating system'),
    unacknowledgedBytes: count
      .optional()
      .describe('Of those, not acknowledged by an RTMP peer that acknowledges'),
  }),
)

const transcodeSchema = named(
  'TranscodeProgress',
  z
    .object({
      packetsIn: count,
      packetsOut: count,
      restarts: count,
      dropped: counted,
      latencyMs: z.number().describe('From the last sample of a packet coming in to the packet going out'),
      concealedMs: count.optional().describe('Sound made up for what was lost or late'),
      silentMs: count.optional().describe('Nothing was sent: a pause of the source'),
      jitterMs: z.number().optional().describe('Unevenness met'),
    })
    .describe('How the transcode goes that makes the track; the last three of live sound in process alone'),
)

const trackSchema = named(
  'Track',
  z.object({
    id: z.string(),
    kind: z.enum(['audio', 'video', 'data']),
    codec: z.string(),
    form: z.enum(['frame', 'rtp']).describe('How the source sends it'),
    width: z.int().optional(),
    height: z.int().optional(),
    profile: z.string().optional().describe('profile-level-id of H.264'),
    channels: z.int().optional(),
    sampleRate: z.int().optional(),
    keyframeOnRequest: z.boolean().describe('Can the source be asked for a key frame?'),
    derivedFrom: z.string().optional().describe('The track it is made of; absent for a track of the source'),
    stats: z
      .object({
        units: count.describe('Frames or packets, as form says'),
        bytes: count,
        bitsPerSecond: z.number(),
        framesPerSecond: z.number(),
        keyframeIntervalMs: z.number().optional(),
        keyframeRequests: count,
        derived: z.array(z.string()).describe('Converters alive on the track'),
        syncErrorMs: z.number().optional(),
        damage: counted,
        transcode: transcodeSchema.optional(),
      })
      .optional(),
  }),
)

export const subscriptionStatsSchema = named(
  'SubscriptionStats',
  z.object({
    units: count.describe('Frames or packets handed to the protocol'),
    bytes: count,
    dropped: count,
    waitingForKey: z.boolean(),
    droppedBy: counted,
    latencyMs: z.number().optional().describe('From the arrival of media to handing it to the protocol'),
    backlogBytes: count.optional().describe('Waiting in the socket'),
  }),
)

const subscriberSchema = named(
  'Subscriber',
  z.object({
    id: z.string(),
    label: z.string().describe('Protocol and address'),
    since: time,
    plan: planSchema,
    stats: subscriptionStatsSchema,
    link: linkSchema.optional(),
  }),
)

/** A publisher that was lost and may come back. */
export const waitingSchema = z.object({ reason: z.string(), leftMs: z.number() })

export const streamSchema = named(
  'Stream',
  z.object({
    name: z.string(),
    state: z.enum(['empty', 'announced', 'ready', 'waiting', 'closing']),
    since: time.optional().describe('When it became ready'),
    tracks: z.array(trackSchema),
    viewers: count,
    waiting: waitingSchema.optional().describe('The publisher was lost; its readers are kept for so long'),
    publisher: z.string().optional().describe('Protocol and address; for those who may use the API'),
    publisherLink: linkSchema.optional(),
    subscribers: z.array(subscriberSchema).optional().describe('For those who may use the API'),
  }),
)
export const streamsSchema = named('Streams', z.object({ streams: z.array(streamSchema) }))

export const kickSchema = named(
  'Kick',
  z.strictObject({ reason: z.string().max(200).optional().describe('Told to whoever is ended') }),
)

export type LinkView = z.input<typeof linkSchema>
export type TrackView = z.input<typeof trackSchema>
export type SubscriberView = z.input<typeof subscriberSchema>
export type StreamView = z.input<typeof streamSchema>
