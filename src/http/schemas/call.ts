import { z } from 'zod'
import { count, named, time } from './named.ts'

const reasonSchema = named(
  'CallReason',
  z.object({
    code: z.int().min(0).describe('Of the protocol, as 486 in SIP; 0: nobody answered with one'),
    detail: z.string(),
    by: z.enum(['us', 'them']),
  }),
)

const mediaSchema = named(
  'CallMedia',
  z.object({
    kind: z.enum(['audio', 'video']),
    codec: z.string(),
    direction: z.enum(['sendrecv', 'sendonly', 'recvonly', 'inactive']).describe('As we see it'),
    srtp: z.boolean(),
    local: z.string().describe('IP:PORT'),
    remote: z.string().nullable().describe('IP:PORT to which we send; null: not known yet'),
    latch: z
      .enum(['off', 'waiting', 'locked'])
      .describe('Whether media comes from another address than was described'),
    received: z.object({
      packets: count,
      bytes: count,
      lost: count,
      jitterMs: z.number(),
      dropped: z.record(z.string(), count).describe('Not taken, by reason'),
    }),
    sent: z.object({
      packets: count,
      bytes: count,
      dropped: z.record(z.string(), count).describe('Not sent, by reason'),
    }),
    mos: z.number().nullable().describe('1.0 to 4.5 by ITU-T G.107; null: nothing was received yet'),
    roundTripMs: z.number().nullable(),
    remoteFractionLost: z.number().nullable().describe('0 to 1: what the far side lost of ours'),
  }),
)

const text = z.string().nullable()

export const callSchema = named(
  'Call',
  z.object({
    id: z.string(),
    protocol: z.string(),
    direction: z.enum(['inbound', 'outbound']),
    state: z.enum(['dialling', 'ringing', 'early', 'live', 'ending', 'ended']),
    hold: z.enum(['none', 'by-us', 'by-them', 'both']),
    waitsFor: z
      .enum(['greeting', 'pin'])
      .nullable()
      .describe('Answered, but not joined: it hears no stream yet and, where a PIN is wanted, is none'),
    from: z.string(),
    to: z.string(),
    asserted: text.describe('Who calls, as a trusted registration or trunk asserts it'),
    diverted: z
      .array(z.string())
      .describe('Who was called before, as a trusted one says, the last one first'),
    peer: z.string().describe('Transport and address of the signalling'),
    callId: z.string().describe('What the far side calls it'),
    account: text.describe('The registration or trunk it goes through'),
    route: text.describe('The rule that admitted it'),
    publish: text.describe("The stream that the far side's media is; before the answer: will be"),
    hear: text.describe('The stream that the far side hears'),
    hearError: text.describe('Why that cannot be heard now'),
    since: time,
    answeredAt: time.nullable(),
    endedAt: time.nullable(),
    reason: reasonSchema.nullable(),
    media: z.array(mediaSchema),
    remarks: z.array(z.string()).describe('What of the media was left out, and what may be wrong'),
  }),
)
export const callsSchema = named('Calls', z.object({ calls: z.array(callSchema) }))

const uri = z.string().min(1).max(512)
const stream = z.string().min(1).max(255)

export const dialSchema = named(
  'Dial',
  z.strictObject({
    to: uri.describe('sip:user@host, sips:, or tel: through an account'),
    publish: stream.optional().describe("The name that the far side's media gets; left out: none"),
    hear: stream.optional().describe('The stream that the far side hears; left out: silence'),
    account: z.string().max(64).optional().describe('Registration or trunk; left out: by the domain'),
    ringMs: z.int().min(1000).max(600_000).optional().describe('Rings so long'),
    video: z.boolean().optional().describe('Offers pictures; left out: when what is heard has some'),
  }),
)
export const hangupSchema = named('Hangup', z.strictObject({ reason: z.string().max(200).optional() }))
export const hearSchema = named(
  'Hear',
  z.strictObject({ hear: stream.nullable().describe('What the far side hears from now on; null: silence') }),
)
export const digitsSchema = named(
  'Digits',
  z.strictObject({
    digits: z.string().regex(/^[0-9*#A-D]{1,128}$/i, 'is 1 to 128 of 0-9 * # A-D'),
    how: z.enum(['rtp', 'info', 'inband']).optional().describe('Left out: as was agreed'),
  }),
)
export const transferSchema = named('Transfer', z.strictObject({ to: uri }))
export const transferResultSchema = named(
  'TransferResult',
  z.object({
    done: z.boolean(),
    code: z.int().min(0),
    detail: z.string().describe('What the far side said of it'),
  }),
)
export const questionSchema = named(
  'CallQuestion',
  z.strictObject({
    to: uri.describe('What would be called'),
    from: uri.optional().describe('Who would call'),
    remote: z.union([z.ipv4(), z.ipv6()]).optional().describe('From which address; left out: this machine'),
  }),
)
export const explanationSchema = named(
  'CallExplanation',
  z.object({
    outcome: z.enum(['admitted', 'challenged', 'refused']),
    code: z.int(),
    detail: z.string(),
    rules: z.array(z.object({ rule: z.string(), admits: z.boolean(), why: z.string() })),
    publish: text,
    hear: text,
  }),
)
export const accountSchema = named(
  'CallAccount',
  z.object({
    name: z.string(),
    uri: z.string(),
    state: z.enum(['registered', 'registering', 'failed', 'unregistered', 'trunk']),
    expiresAt: time.nullable(),
    nextTryAt: time.nullable(),
    error: text,
    calls: count.describe('Through it now'),
  }),
)
export const accountsSchema = named('CallAccounts', z.object({ accounts: z.array(accountSchema) }))

export type CallView = z.input<typeof callSchema>
export type CallExplanationView = z.input<typeof explanationSchema>
export type AccountView = z.input<typeof accountSchema>
export type DialInput = z.input<typeof dialSchema>
