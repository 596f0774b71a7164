import { z } from 'zod'
import { PROFILES } from './profiles.ts'

const ms = z.int().min(1)
const ingestUrl = z
  .string()
  .refine(text => /^rtmps?:\/\/[^/?#\s]+\/[^\s#]+$/i.test(text), 'is not rtmp(s)://host/app')

/** Where a service takes streams; the key is appended. */
const service = ({ url, backup }: { readonly url: string; readonly backup?: string }) =>
  z
    .strictObject({
      url: ingestUrl.default(url),
      /** Tried by turns with `url` while that cannot be reached; null: none. */
      backup: ingestUrl.nullable().default(backup ?? null),
    })
    .prefault({})

/** The `restream` section: how destinations are kept connected, and where services are. */
export const restreamSchema = z.strictObject({
  retry: z
    .strictObject({
      /** Back-off after a lost connection: the first wait, doubled each time up to the last. */
      firstMs: ms.default(1_000),
      maxMs: ms.default(30_000),
      /** The same after a refusal of what was allowed before. A refusal of the first connection is final. */
      refusedFirstMs: ms.default(30_000),
      refusedMaxMs: ms.default(300_000),
      /** Share of a wait by which it varies: 0.2 is ±10 %. */
      jitter: z.number().min(0).max(1).default(0.2),
      /** A connection must have lived so long for the back-off to begin anew. */
      dwellMs: ms.default(10_000),
      /** A connection that lived so long was wanted: what is refused later is tried again. */
      settleMs: ms.default(3_000),
      /** So many in a row that the other end closes sooner, without a word, are a refusal. */
      hangUps: z.int().min(1).default(6),
    })
    .prefault({}),
  /** A destination that takes no byte for so long, while there is media for it, is connected anew. */
  stallMs: z.int().min(500).default(5_000),
  profiles: z
    .strictObject({
      youtube: service(PROFILES.youtube.ingest),
      facebook: service(PROFILES.facebook.ingest),
      twitch: service(PROFILES.twitch.ingest),
    })
    .prefault({}),
})

export type RestreamConfig = z.output<typeof restreamSchema>
