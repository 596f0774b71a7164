/** The one retransmission memory of a packet feed: the last packets by sequence number. */
import type { RtpPacket } from '../media/types.ts'

/** Packets kept; a power of two. About two seconds of 5 Mbit/s video. */
const length = 1024
const mask = length - 1

export interface History {
  add(packet: RtpPacket): void
  lookup(seq: number): RtpPacket | undefined
  clear(): void
}

export const createHistory = (): History => {
  const ring: (RtpPacket | undefined)[] = new Array<RtpPacket | undefined>(length).fill(undefined)
  return {
    add: packet => {
      const slot = packet.seq & mask
      const held = ring[slot]
      if (held === undefined || held.seq <= packet.seq) ring[slot] = packet
    },
    lookup: seq => {
      const packet = ring[seq & mask]
      return packet?.seq === seq ? packet : undefined
    },
    clear: () => void ring.fill(undefined),
  }
}
