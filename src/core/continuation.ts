/** A new source goes on with the track of the one before: its times and sequence numbers are moved onto that line. */
import type { Frame, RtpPacket } from '../media/types.ts'
import type { TrackNode } from './track.ts'
import type { SourceClock } from './track-clock.ts'
import type { ClockAnchor, TrackClock } from './types.ts'

export interface Continuation {
  /** The clock in the ticks of the new source. */
  readonly clock: TrackClock
  readonly anchored: boolean
  /** The unit as readers see it: a copy, with the numbers moved. */
  place<U extends Frame | RtpPacket>(unit: U): U
}

/** A gap of one packet: what the old source left half sent is not taken for whole. */
const sequenceGap = 2

/** RFC 3550 section 5.1: sequence number in bytes 2 and 3, timestamp in bytes 4 to 7. */
const renumber = (packet: RtpPacket, seq: number, ts: number): RtpPacket => {
  const bytes = new Uint8Array(packet.bytes)
  const view = new DataView(bytes.buffer)
  view.setUint16(2, seq & 0xffff)
  view.setUint32(4, ts >>> 0)
  return { ...packet, bytes, seq, ts }
}

export const createContinuation = (
  track: TrackNode,
  clock: SourceClock,
  wallNow: () => number,
): Continuation => {
  const { last } = track
  const endTs = last === undefined ? 0 : last.ts + Math.max(0, last.duration - 1)
  const lastSeq = last?.seq
  let tsOffset: number | undefined
  let seqOffset: number | undefined
  let cut = true

  /** The first anchor settles where the new source begins: at the wall time it says, never before what was sent. */
  const settle = ({ ts, wall, from }: ClockAnchor): number => {
    const line = clock.fromArrival(from === 'arrival' ? wall : wallNow())
    tsOffset = Math.max(line, endTs + 1) - ts
    return tsOffset
  }
  const offset = (): number => tsOffset ?? 0
  const placePacket = (packet: RtpPacket): RtpPacket => {
    seqOffset ??= lastSeq === undefined ? 0 : lastSeq + sequenceGap - packet.seq
    return renumber(packet, packet.seq + seqOffset, packet.ts + offset())
  }
  const placeFrame = (frame: Frame): Frame => {
    const discontinuity = cut || frame.discontinuity
    cut = false
    return { ...frame, pts: frame.pts + offset(), dts: frame.dts + offset(), discontinuity }
  }
  return {
    clock: {
      rate: clock.rate,
      anchor: a => clock.anchor({ ts: a.ts + (tsOffset ?? settle(a)), wall: a.wall, from: a.from }),
      toWall: ts => clock.toWall(ts + offset()),
      toStreamTime: ts => clock.toStreamTime(ts + offset()),
      fromStreamTime: us => clock.fromStreamTime(us) - offset(),
    },
    get anchored() {
      return tsOffset !== undefined
    },
    place: unit => ('ts' in unit ? placePacket(unit) : placeFrame(unit)) as typeof unit,
  }
}
