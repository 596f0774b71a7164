/** One transport packet, ISO/IEC 13818-1 section 2.4.3. */

export const TS_PACKET_BYTES = 188
export const SYNC_BYTE = 0x47
export const NULL_PID = 0x1fff

/** What the header of a packet says. The reader fills the same object each time. */
export interface TsPacket {
  pid: number
  /** A PES packet or a section begins here. */
  unitStart: boolean
  /** Counts packets with payload of one PID, modulo 16. */
  continuity: number
  /** The sender says that its count or its clock begins anew. */
  discontinuity: boolean
  scrambled: boolean
  /** The payload lies between these; none when they are equal. */
  start: number
  end: number
}

export const createTsPacket = (): TsPacket => ({
  pid: NULL_PID,
  unitStart: false,
  continuity: 0,
  discontinuity: false,
  scrambled: false,
  start: 0,
  end: 0,
})

/** Reads the 188 bytes at `at` into `out`. false: no sync byte, an error that the sender marked, or lengths that cannot be. */
export const readTsPacket = (bytes: Uint8Array, at: number, out: TsPacket): boolean => {
  const second = bytes[at + 1]!
  const fourth = bytes[at + 3]!
  if (bytes[at] !== SYNC_BYTE || second & 0x80) return false
  out.pid = ((second & 0x1f) << 8) | bytes[at + 2]!
  out.unitStart = (second & 0x40) !== 0
  out.scrambled = (fourth & 0xc0) !== 0
  out.continuity = fourth & 0x0f
  out.discontinuity = false
  out.end = at + TS_PACKET_BYTES
  out.start = fourth & 0x10 ? at + 4 : out.end
  if ((fourth & 0x20) === 0) return true
  const length = bytes[at + 4]!
  const after = at + 5 + length
  if (after > out.end) return false
  out.discontinuity = length > 0 && (bytes[at + 5]! & 0x80) !== 0
  if (fourth & 0x10) out.start = after
  return true
}

/**
 * Where the next packet begins from `from` on: a sync byte with another one behind it, or with too little left for one.
 * `end` when there is none.
 */
export const findSync = (bytes: Uint8Array, from: number, end: number): number => {
  for (
    let at = bytes.indexOf(SYNC_BYTE, from);
    at !== -1 && at < end;
    at = bytes.indexOf(SYNC_BYTE, at + 1)
  ) {
    const next = at + TS_PACKET_BYTES
    if (next >= end || bytes[next] === SYNC_BYTE) return at
  }
  return end
}
