/** What whoever has the other end of a bridge runs there: commands word for word, and the session description. */
import { type ComponentChild, h } from 'preact'
import type { BridgeView, PeerView } from './api.ts'
import { CopyField } from './parts.ts'

const programs: Readonly<Record<string, string>> = { gstreamer: 'GStreamer' }

interface PeerDetailsProps {
  /** The end that the gateway has. */
  readonly end: string
  readonly peer: PeerView
}
const PeerDetails = ({ end, peer: { does, sdp, commands } }: PeerDetailsProps): ComponentChild =>
  h(
    'details',
    { class: 'peer' },
    h('summary', {}, `${does === 'send' ? 'How to send to' : 'How to receive at'} ${end}`),
    commands.map(({ program, line }) =>
      h(CopyField, { key: program, label: programs[program] ?? program, value: line }),
    ),
    sdp === null ? null : h(CopyField, { label: 'SDP', value: sdp }),
  )

/** One, folded, for each end that has something to tell. */
export const PeersOf = ({
  bridge: { from, source, legs },
}: {
  readonly bridge: BridgeView
}): ComponentChild => {
  const ends = [{ end: from, peer: source?.peer }, ...legs.map(({ to, peer }) => ({ end: to, peer }))]
  return ends.map(({ end, peer }, i) => (peer ? h(PeerDetails, { key: i, end, peer }) : null))
}
