import { z } from 'zod'
import { named } from './named.ts'

const form = z.enum(['frame', 'rtp'])
const profile = z.object({
  maxPayload: z.int(),
  h264PacketizationMode: z.union([z.literal(0), z.literal(1)]).optional(),
})

const stepSchema = named(
  'Step',
  z.discriminatedUnion('op', [
    z.object({ op: z.literal('copy') }),
    z.object({ op: z.literal('packetise'), profile }),
    z.object({ op: z.literal('depacketise') }),
    z.object({ op: z.literal('repacketise'), profile }),
    z.object({ op: z.literal('drop-b-frames') }),
    z.object({ op: z.literal('transcode'), to: z.string() }),
  ]),
)

const skippedSchema = z.object({ source: z.string(), reason: z.string() })

/** What is done to each track on its way to a destination, and what is left out and why. */
export const planSchema = named(
  'Plan',
  z.discriminatedUnion('ok', [
    z.object({
      ok: z.literal(true),
      tracks: z.array(
        z.object({
          source: z.string().describe('Id of the source track'),
          label: z.string().describe('The source track in words'),
          codec: z.string().describe('What the destination is given'),
          form,
          steps: z.array(stepSchema),
          cost: z.number(),
        }),
      ),
      skipped: z.array(skippedSchema),
    }),
    z.object({
      ok: z.literal(false),
      code: z.enum(['no-common-codec', 'transcode-unavailable', 'b-frames']),
      skipped: z.array(skippedSchema),
      offered: z.array(z.string()),
      wanted: z.array(z.string()),
    }),
  ]),
)
export type PlanView = z.input<typeof planSchema>
