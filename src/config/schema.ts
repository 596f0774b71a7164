import { z } from 'zod'
import { outboundSchema } from '../access/outbound.ts'
import { accessSchema } from '../access/schema.ts'
import { webhooksSchema } from '../hooks/config.ts'
import { recordingsSchema } from '../recordings/config.ts'
import { restreamSchema } from '../restream/config.ts'
import { sourcesSchema } from '../sources/config.ts'
import { streamsSchema } from './streams.ts'
import { mediaPolicySchema, transcodeSchema } from './transcode.ts'

const endpoint = z.string().min(1).max(2048)
const bridgesSchema = z.array(
  z.strictObject({
    /** `stream:NAME`, which may come and go, or a URL, which is connected again when it is lost. */
    from: endpoint,
    to: z.array(endpoint).min(1),
    /** On the way to these destinations otherwise than the stream's. */
    transcode: mediaPolicySchema.optional(),
  }),
)

/** Sections with a door say where it listens; a `HOST:PORT` text was taken apart before. */
const listen = (port: number) =>
  z.strictObject({
    host: z.string().min(1).default('127.0.0.1'),
    port: z.int().min(0).max(65_535).default(port),
  })

/** The sections that belong to no protocol. Every adapter brings the schema of its own section, under its name. */
export const sections = {
  http: z.strictObject({
    listen: listen(8080).prefault({}),
    /** PEM files for HTTPS; without them it is HTTP. Taken anew when they change; connections go on. */
    tls: z
      .strictObject({
        /** The certificate with its chain. */
        cert: z.string().min(1),
        key: z.string().min(1),
      })
      .optional(),
    /** Names under which browsers may reach us, besides IP addresses and localhost (guards against DNS rebinding). */
    hosts: z.array(z.string().toLowerCase()).default([]),
    /** Other sites whose pages may play, publish or use the API here: `https://example.org`, or `*`. */
    origins: z.array(z.string().toLowerCase()).default([]),
  }),
  /** Who may publish, play and use the API. */
  access: accessSchema,
  /** Where URLs given through the API may lead. */
  outbound: outboundSchema,
  /** How destinations are kept connected, and where the services are. */
  restream: restreamSchema,
  /** Bridges that are always there. */
  bridges: bridgesSchema,
  /** What becomes of readers when publishers come and go. */
  streams: streamsSchema,
  /** Streams that the gateway fetches itself, always or when somebody wants them. */
  sources: sourcesSchema,
  /** Where recordings are, which are made by themselves, and how long they are kept. */
  recordings: recordingsSchema,
  /** What is done to media that does not fit its destination, and at what price. */
  transcode: transcodeSchema,
  /** Who is told of events. */
  webhooks: webhooksSchema,
  /** What Prometheus is told at /metrics. */
  metrics: z.strictObject({
    /** Streams with metrics of their own: those with the most bits. */
    streams: z.int().min(0).max(1000).default(100),
    /** Calls with metrics of their own: those that sound worst. */
    calls: z.int().min(0).max(1000).default(100),
  }),
  log: z.strictObject({
    level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
    /** `auto`: lines for people on a terminal, JSON elsewhere. */
    format: z.enum(['auto', 'json', 'pretty']).default('auto'),
  }),
} as const

type Sections = typeof sections
export type SharedConfig = {
  readonly [Name in keyof Sections]: z.infer<Sections[Name]>
}
/** `HOST:PORT` is taken as well. */
type WithListenText<Input> = Input extends { listen?: infer Listen }
  ? Omit<Input, 'listen'> & { listen?: Listen | string }
  : Input
export type SharedInput = {
  readonly [Name in keyof Sections]?: WithListenText<z.input<Sections[Name]>>
}
