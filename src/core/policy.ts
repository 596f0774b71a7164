/** What is allowed on the way to a reader: the gateway's rules, overruled by the stream's, overruled by the reader's own. */
import type { MediaPolicy, NegotiatePolicy, Transcoder, TranscodeTable } from './types.ts'

export type PolicyFor = (stream: string, own?: MediaPolicy) => NegotiatePolicy

/** `of` and `gateway` are asked each time it matters. The cost is that of the cheapest transcoder. */
export const createPolicyFor = (
  transcoders: readonly Transcoder[],
  gateway: Partial<Omit<NegotiatePolicy, 'cost'>> = {},
  of: (stream: string) => MediaPolicy = () => ({}),
): PolicyFor => {
  const cost: TranscodeTable['cost'] = (from, to) =>
    transcoders.reduce<number | undefined>((least, transcoder) => {
      const own = transcoder.cost(from, to)
      return own === undefined || (least !== undefined && least <= own) ? least : own
    }, undefined)
  const unavailable = (): string | undefined =>
    gateway.unavailable ?? (transcoders.length === 0 ? 'transcoding is off' : undefined)
  return (stream, own) => ({
    ...{ bFrames: 'drop' as const, ...gateway, unavailable: unavailable(), cost },
    ...of(stream),
    ...own,
  })
}
