/** What the headers of a tag body say, legacy and Enhanced RTMP alike. */
import { toGatewayError } from '../../errors.ts'

/**
 * FourCCs as Enhanced RTMP writes them; legacy codec numbers are named by their FourCC, G.711 by ffmpeg's
 * names.
 */
export type FlvCodec = 'avc1' | 'hvc1' | 'av01' | 'vp09' | 'vp08' | 'mp4a' | '.mp3' | 'Opus' | 'alaw' | 'ulaw'

export type PacketRole = 'config' | 'frame' | 'end' | 'metadata'

/** One packet of one track. The visitor is lent the same object each time: it copies what it keeps. */
export interface FlvPacket {
  track: number
  codec: FlvCodec
  role: PacketRole
  /** FrameType 1. Always true for audio. */
  key: boolean
  /** Presentation minus decode time, milliseconds. */
  compositionMs: number
  /** To be added to the tag's time: Enhanced RTMP v2, ModEx TimestampOffsetNano. */
  offsetNs: number
  /** Legacy audio only: sample rate and channels as the tag says. */
  sampleRate: number
  channels: number
  /** The payload lies between these in the tag body. */
  start: number
  end: number
}

export interface PacketVisitor {
  onPacket(packet: FlvPacket, body: Uint8Array): void
  /** Something that a track would have needed is missing. */
  onLost(cause: string): void
  /** Something that no track would have used was left out. */
  onRefused(cause: string): void
}

/** One track of a reader. */
export interface FlvTrack {
  /** Returns the cause when the packet was dropped. */
  push(packet: FlvPacket, body: Uint8Array, timestampMs: number, arrivalUs: number): string | undefined
  /** The next frame follows a loss. */
  interrupt(): void
}

export const createPacket = (): FlvPacket => ({
  track: 0,
  codec: 'avc1',
  role: 'frame',
  key: false,
  compositionMs: 0,
  offsetNs: 0,
  sampleRate: 0,
  channels: 0,
  start: 0,
  end: 0,
})

/** Signed 24 bit, big-endian. */
export const int24 = (bytes: Uint8Array, at: number): number =>
  (((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8)) >> 8) | 0

/** Unsigned 24 bit, big-endian. */
export const uint24 = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!

/** Hands a sequence header to its codec; returns the cause when it cannot be read. */
export const configure = (
  payload: { configure(record: Uint8Array): void },
  packet: FlvPacket,
  body: Uint8Array,
): string | undefined => {
  try {
    payload.configure(body.subarray(packet.start, packet.end))
    return undefined
  } catch (error) {
    return toGatewayError(error).message
  }
}
