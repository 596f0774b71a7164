/** An egress that keeps the packets it is given, for tests of ingest. */
import { closable, createScope } from '../../src/core/scope.ts'
import type { Accept, Egress, OpenTrack, Registry, Subscription } from '../../src/core/types.ts'
import type { CodecId, RtpPacket } from '../../src/media/types.ts'

const accept = (kind: 'audio' | 'video', codec: CodecId): Accept => ({ kind, codec, form: 'rtp' })

export interface CollectingEgress {
  readonly subscription: Subscription
  readonly packets: RtpPacket[]
  readonly opened: readonly OpenTrack[]
}

/** Subscribes to a stream and collects its packets, all tracks in one list. */
export const collectPackets = async (registry: Registry, stream: string): Promise<CollectingEgress> => {
  const packets: RtpPacket[] = []
  const opened: OpenTrack[] = []
  const egress: Egress = {
    ...closable(createScope('collecting')),
    label: 'collecting',
    pressure: { mode: 'realtime' },
    accepts: () => [accept('video', 'h264'), accept('video', 'vp8'), accept('audio', 'opus')],
    open: tracks => {
      opened.push(...tracks)
      return tracks.map(() => ({ form: 'rtp', sink: { write: packet => void packets.push(packet) } }))
    },
  }
  const subscription = await registry.subscribe(stream, egress, { start: 'live', waitMs: 5000 })
  return { subscription, packets, opened }
}
