/** The statistics row of a connection, read once a second. */
import { type ComponentChild, h } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { createMeter } from './meter.ts'
import { type Reading, StatsRow } from './parts.ts'
import { useEvery } from './polling.ts'

interface Measured {
  readonly peer: RTCPeerConnection
  readonly meter: ReturnType<typeof createMeter>
}
export interface PeerStatsProps {
  /** Which way media flows. */
  readonly direction: 'inbound' | 'outbound'
  readonly peer: () => RTCPeerConnection | undefined
}
export const PeerStats = ({ direction, peer }: PeerStatsProps): ComponentChild => {
  const [readings, setReadings] = useState<readonly Reading[]>([])
  const measured = useRef<Measured | undefined>(undefined)
  useEvery(1000, async () => {
    const now = peer()
    if (now === undefined || now.connectionState !== 'connected') return setReadings([])
    if (measured.current?.peer !== now) measured.current = { peer: now, meter: createMeter(direction) }
    setReadings(await measured.current.meter(now))
  })
  return h(StatsRow, { readings })
}
