import { uint16, uint32 } from '../bytes.ts'
import { unwrap16, unwrap32 } from '../time.ts'
import type { CodecId, RtpPacket } from '../types.ts'
import { isHeadPayload, isKeyPayload } from './key.ts'

export const RTP_HEADER_BYTES = 12

/**
 * Where the payload of a packet lies and what its fixed header says, all values as on the wire. RFC 3550
 * section 5.1.
 */
export interface RtpHeader {
  readonly payloadType: number
  readonly marker: boolean
  readonly seq: number
  readonly ts: number
  readonly ssrc: number
  readonly payloadStart: number
  readonly payloadEnd: number
}

/**
 * Where the header ends: fixed part, CSRC list and extension, each checked against the length. -1: damaged.
 */
const headerEnd = (bytes: Uint8Array): number => {
  let end = RTP_HEADER_BYTES + (bytes[0]! & 0x0f) * 4
  if (bytes[0]! & 0x10) {
    if (end + 4 > bytes.length) return -1
    end += 4 + uint16(bytes, end + 2) * 4
  }
  return end > bytes.length ? -1 : end
}

/** Reads a received packet's header. undefined: not RTP version 2, or a length points past the end. */
export const readRtpHeader = (bytes: Uint8Array): RtpHeader | undefined => {
  if (bytes.length < RTP_HEADER_BYTES || bytes[0]! >> 6 !== 2) return undefined
  const payloadStart = headerEnd(bytes)
  if (payloadStart === -1) return undefined
  const padding = bytes[0]! & 0x20 ? bytes[bytes.length - 1]! : 0
  const payloadEnd = bytes.length - padding
  if (payloadEnd < payloadStart || (bytes[0]! & 0x20 && padding === 0)) return undefined
  return {
    payloadType: bytes[1]! & 0x7f,
    marker: bytes[1]! > 0x7f,
    seq: uint16(bytes, 2),
    ts: uint32(bytes, 4),
    ssrc: uint32(bytes, 8),
    payloadStart,
    payloadEnd,
  }
}

/**
 * What unwrapping and the look for key frames remember of one received RTP stream (one SSRC, one codec): the newest
 * packet so far, in numbers. Whoever kept the packet itself would keep all that lies in memory around it.
 */
export interface RtpStreamState {
  readonly codec: CodecId
  /** false: the others mean nothing yet. */
  begun: boolean
  seq: number
  ts: number
  arrival: number
  marker: boolean
  key: boolean
}
export const createRtpStreamState = (codec: CodecId): RtpStreamState => ({
  ...{ codec, begun: false, marker: false, key: false },
  ...{ seq: 0, ts: 0, arrival: 0 },
})

/**
 * Reads one received packet of a stream. The bytes are kept by reference: never reuse them.
 * @param arrival monotonic clock of the gateway, microseconds
 * @returns undefined when the packet is damaged; the caller counts it
 */
export const readRtpPacket = (
  bytes: Uint8Array,
  arrival: number,
  state: RtpStreamState,
): RtpPacket | undefined => {
  const header = readRtpHeader(bytes)
  return header === undefined ? undefined : toRtpPacket(bytes, header, arrival, state)
}

/** As `readRtpPacket`, for callers that have read the header already to find the stream. */
export const toRtpPacket = (
  bytes: Uint8Array,
  header: RtpHeader,
  arrival: number,
  state: RtpStreamState,
): RtpPacket => {
  const { payloadStart, payloadEnd, marker } = header
  const { begun, codec } = state
  const seq = begun ? unwrap16(state.seq, header.seq) : header.seq
  const ts = begun ? unwrap32(state.ts, header.ts) : header.ts
  const follows = begun && seq === state.seq + 1
  const continues = follows && ts === state.ts && !state.marker
  const key = (continues && state.key) || isKeyPayload(codec, bytes, payloadStart, payloadEnd)
  // Behind a delimiter or SEI the first packet that shows the key frame counts as its head: decoding can
  // start there.
  const head = follows
    ? !continues || (key && !state.key)
    : isHeadPayload(codec, bytes, payloadStart, payloadEnd)
  const packet: RtpPacket = { bytes, payloadStart, payloadEnd, seq, ts, marker, key, head, arrival }
  if (!begun || seq > state.seq) note(state, packet)
  return packet
}

const note = (state: RtpStreamState, { seq, ts, arrival, marker, key }: RtpPacket): void => {
  state.begun = true
  state.seq = seq
  state.ts = ts
  state.arrival = arrival
  state.marker = marker
  state.key = key
}
