/** RTMP messages (Adobe, "RTMP Specification" 1.0). Sections cited in this folder are of that document. */

/** Message type ids: 5.4 for protocol control, 7.1 for the rest. */
export const MESSAGE = {
  setChunkSize: 1,
  abort: 2,
  acknowledgement: 3,
  userControl: 4,
  windowAckSize: 5,
  setPeerBandwidth: 6,
  audio: 8,
  video: 9,
  dataAmf3: 15,
  commandAmf3: 17,
  dataAmf0: 18,
  commandAmf0: 20,
  aggregate: 22,
} as const

/** User control event types, 7.1.7. */
export const USER_CONTROL = {
  streamBegin: 0,
  streamEof: 1,
  setBufferLength: 3,
  streamIsRecorded: 4,
  pingRequest: 6,
  pingResponse: 7,
} as const

export interface RtmpMessage {
  readonly type: number
  readonly streamId: number
  /** Milliseconds, 32 bits, wraps. */
  readonly timestampMs: number
  /** Owned by the receiver: never written to again. */
  readonly body: Uint8Array
}

export interface RtmpLimits {
  /** Of one audio, video or aggregate message. */
  readonly mediaBytes: number
  /** Of one data message (onMetaData). */
  readonly dataBytes: number
  /** Of one command or protocol message. */
  readonly commandBytes: number
  /** Chunk streams that one connection may use. */
  readonly chunkStreams: number
  /** Memory of all unfinished messages of one connection. */
  readonly pendingBytes: number
  /** Message streams (createStream) that one connection may have open. */
  readonly messageStreams: number
  /** Answers waiting for a peer that sends but does not read. */
  readonly replyBytes: number
}

export const RTMP_LIMITS: RtmpLimits = {
  mediaBytes: 8 << 20,
  dataBytes: 1 << 20,
  commandBytes: 64 << 10,
  chunkStreams: 64,
  pendingBytes: 16 << 20,
  messageStreams: 8,
  replyBytes: 1 << 20,
}

/** How long a message of this type may be. */
export const messageLimit = (limits: RtmpLimits, type: number): number => {
  if (type === MESSAGE.video || type === MESSAGE.audio || type === MESSAGE.aggregate) return limits.mediaBytes
  if (type === MESSAGE.dataAmf0 || type === MESSAGE.dataAmf3) return limits.dataBytes
  return limits.commandBytes
}
