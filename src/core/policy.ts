/** What is allowed on the way to a reader: the gateway's rules, overruled by the stream's, overruled by the reader's own. */
import type { MediaPolicy, NegotiatePolicy, Transcoder } from './types.ts'

export type PolicyFor = (stream: string, own?: MediaPolicy) => NegotiatePolicy

/** `of` is asked each time it matters. The cost is that of the cheapest transcoder. */
export const createPolicyFor = (
  transcoders: readonly Transcoder[],
  gateway: Partial<Omit<NegotiatePolicy, 'cost'>> = {},
  of: (stream: string) => MediaPolicy = () => ({}),
): PolicyFor => {
  const base: NegotiatePolicy = {
    bFrames: 'drop',
    ...gateway,
    unavailable: gateway.unavailable ?? (transcoders.length === 0 ? 'transcoding is off' : undefined),
    cost: (from, to) =>
      transcoders.reduce<number | undefined>((least, transcoder) => {
        const cost = transcoder.cost(from, to)
        return cost === undefined || (least !== undefined && least <= cost) ? least : cost
      }, undefined),
  }
  return (stream, own) => ({ ...base, ...of(stream), ...own })
}
