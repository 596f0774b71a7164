import { z } from 'zod'
import { named } from './named.ts'

const capability = z.object({
  codec: z.string(),
  form: z.enum(['frame', 'rtp']),
  note: z.string().optional(),
})

const adapterSchema = named(
  'Adapter',
  z.object({
    name: z.string(),
    schemes: z.array(z.string()).describe('Of the URLs that it dials'),
    roles: z.array(z.enum(['listen', 'pull', 'push'])),
    ingests: z.array(capability),
    egresses: z.array(capability),
    listening: z.object({ address: z.string(), port: z.int() }).optional(),
  }),
)
export const adaptersSchema = named('Adapters', z.object({ adapters: z.array(adapterSchema) }))
export type AdapterView = z.input<typeof adapterSchema>
