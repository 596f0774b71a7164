/** The streams of one session as one way to its peer: counters are added, of times and shares the worst counts. */
import type { LinkStats } from '../../core/types.ts'
import type { OutgoingStats } from './outgoing.ts'
import type { ReceivingStats } from './receiving.ts'

const sum = (values: readonly (number | undefined)[]): number =>
  values.reduce<number>((total, value) => total + (value ?? 0), 0)
const worst = (values: readonly (number | undefined)[]): number | undefined => {
  const known = values.filter(value => value !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}

/** What the viewer reports. */
export const sendingLink = (streams: readonly OutgoingStats[]): LinkStats => ({
  roundTripMs: worst(streams.map(({ roundTripMs }) => roundTripMs)),
  jitterMs: worst(streams.map(({ jitterMs }) => jitterMs)),
  packets: sum(streams.map(({ packets }) => packets)),
  lost: sum(streams.map(({ lost }) => lost)),
  fractionLost: worst(streams.map(({ fractionLost }) => fractionLost)),
  nacks: sum(streams.map(({ nacks }) => nacks)),
  resent: sum(streams.map(({ resent }) => resent)),
  pictureLossRequests: sum(streams.map(({ pictureLossRequests }) => pictureLossRequests)),
})

/** What we see of the publisher. */
export const receivingLink = (lines: readonly ReceivingStats[]): LinkStats => {
  const rtp = lines.map(line => line.rtp)
  return {
    jitterMs: worst(rtp.map(stats => stats?.jitterMs)),
    packets: sum(rtp.map(stats => stats?.packets)),
    lost: sum(rtp.map(stats => stats?.lost)),
    nacks: sum(rtp.map(stats => stats?.nacks)),
    repaired: sum(rtp.map(stats => stats?.repaired)),
    pictureLossRequests: sum(lines.map(({ pictureLossRequests }) => pictureLossRequests)),
  }
}
