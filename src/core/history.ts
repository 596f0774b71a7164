/** The one retransmission memory of a packet feed: the last packets by sequence number. */
import type { RtpPacket } from '../media/types.ts'

/** Packets kept, powers of two: about two seconds of 5 Mbit/s video, or of sound in packets of 20 ms. */
export const historyLengths = { video: 1024, other: 128 }

export interface History {
  add(packet: RtpPacket): void
  lookup(seq: number): RtpPacket | undefined
  clear(): void
}

/** `length` is a power of two. */
export const createHistory = (length: number): History => {
  const mask = length - 1
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
