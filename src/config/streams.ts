/** The `streams` section: what becomes of readers when publishers come and go. */
import { z } from 'zod'
import { isPattern, matchesAny } from '../access/pattern.ts'
import type { Continuity } from '../core/types.ts'

const ms = z.int().min(0).max(86_400_000)
const pattern = z.string().refine(isPattern, 'is not a pattern of stream names such as live/* or live/**')

const rules = {
  /** Readers and outputs of a publisher whose connection was lost are kept this long for its return; 0: not at all. */
  graceMs: ms,
  /** Also after a publisher that said itself that it ends (OBS "Stop streaming", WHIP DELETE). */
  graceOnUnpublish: z.boolean(),
  /**
   * A live name is taken over with the credentials of its publisher at once. With others only when that has sent
   * nothing for so long; 0: never.
   */
  takeOverAfterMs: ms,
  /** An FLV file that is shown in a loop while readers wait, as far as its codecs are those of the stream. */
  slate: z
    .string()
    .regex(/\.flv$/i, 'is not the name of an FLV file')
    .nullable(),
}

export const streamsSchema = z.strictObject({
  graceMs: rules.graceMs.default(10_000),
  graceOnUnpublish: rules.graceOnUnpublish.default(false),
  takeOverAfterMs: rules.takeOverAfterMs.default(2_000),
  slate: rules.slate.default(null),
  /** For some streams otherwise. The first that fits a name gives what it names; the rest is as above. */
  rules: z.array(z.strictObject({ match: pattern, ...z.object(rules).partial().shape })).default([]),
})
export type StreamsConfig = z.infer<typeof streamsSchema>

const ruleFor = ({ rules }: StreamsConfig, stream: string): StreamsConfig['rules'][number] | undefined =>
  rules.find(({ match }) => matchesAny([match], stream))

/** The slate of the stream of this name; undefined: it has none. */
export const slateOf = (config: StreamsConfig, stream: string): string | undefined => {
  const slate = ruleFor(config, stream)?.slate
  return (slate === undefined ? config.slate : slate) ?? undefined
}

/** What holds for the stream of this name. */
export const continuityOf = (config: StreamsConfig, stream: string): Continuity => {
  const { graceMs, graceOnUnpublish, takeOverAfterMs } = config
  const found = ruleFor(config, stream)
  return {
    graceMs: found?.graceMs ?? graceMs,
    graceOnUnpublish: found?.graceOnUnpublish ?? graceOnUnpublish,
    takeOverAfterMs: found?.takeOverAfterMs ?? takeOverAfterMs,
  }
}
