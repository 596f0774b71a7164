/** Stream to call: one subscription is one egress; all of a call's share its SSRCs, numbers and time lines. */
import { closable } from '../../../core/scope.ts'
import type { Accept, Egress, EgressSink, LinkStats, OpenTrack, Scope } from '../../../core/types.ts'
import type { AgreedLine } from '../offer-answer/types.ts'

/** What fits one Ethernet frame with SRTP and IPv6; phones do not reassemble. */
const MAX_PAYLOAD_BYTES = 1200

const acceptOf = ({ kind, codec }: AgreedLine): Accept => {
  const mode = codec.packetizationMode
  return {
    kind,
    codec: codec.id,
    form: 'rtp',
    rtp: { maxPayload: MAX_PAYLOAD_BYTES, ...(mode !== undefined && { h264PacketizationMode: mode }) },
    ...(kind === 'video' && { reordered: false }),
    ...(codec.id === 'opus' && codec.channels === 1 && { channels: 1 }),
  }
}

/** What the lines of a call take. */
export const callAccepts = (lines: readonly AgreedLine[]): readonly Accept[] => lines.map(acceptOf)

export interface CallEgressParts {
  readonly label: string
  readonly scope: Scope
  lines(): readonly AgreedLine[]
  /** Where the packets of a track go from now on. */
  sink(open: OpenTrack): EgressSink
  link(): LinkStats | undefined
}

export const createCallEgress = ({ label, scope, lines, sink, link }: CallEgressParts): Egress => ({
  ...closable(scope),
  label,
  pressure: { mode: 'realtime' },
  accepts: () => callAccepts(lines()),
  open: tracks => tracks.map(sink),
  link,
})
