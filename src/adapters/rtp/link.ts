/** The streams of one session as one way to its peer: counters are added, of times and shares the worst counts. */
import type { LinkStats } from '../../core/types.ts'
import type { RtpEndpointStats } from '../../rtp-session/plain/types.ts'

const sum = (values: readonly (number | undefined)[]): number =>
  values.reduce<number>((total, value) => total + (value ?? 0), 0)
const worst = (values: readonly (number | undefined)[]): number | undefined => {
  const known = values.filter(value => value !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}

/** What we see of the sender. */
export const receivingLink = (streams: readonly RtpEndpointStats[]): LinkStats => {
  const received = streams.map(stream => stream.received)
  return {
    jitterMs: worst(received.map(stats => stats?.jitterMs)),
    packets: sum(received.map(stats => stats?.packets)),
    lost: sum(received.map(stats => stats?.lost)),
    nacks: sum(received.map(stats => stats?.nacks)),
    repaired: sum(received.map(stats => stats?.repaired)),
    pictureLossRequests: sum(streams.map(({ keyframesAsked }) => keyframesAsked)),
  }
}

/** What the receiver reports. */
export const sendingLink = (streams: readonly RtpEndpointStats[]): LinkStats => {
  const sent = streams.map(stream => stream.sent)
  return {
    roundTripMs: worst(sent.map(stats => stats?.roundTripMs)),
    jitterMs: worst(sent.map(stats => stats?.jitterMs)),
    packets: sum(sent.map(stats => stats?.packets)),
    lost: sum(sent.map(stats => stats?.lost)),
    fractionLost: worst(sent.map(stats => stats?.fractionLost)),
    nacks: sum(sent.map(stats => stats?.nacks)),
    resent: sum(sent.map(stats => stats?.resent)),
    pictureLossRequests: sum(streams.map(({ keyframesWanted }) => keyframesWanted)),
  }
}
