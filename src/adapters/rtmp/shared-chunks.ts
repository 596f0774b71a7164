/** Media messages as RTMP chunks, made once per message however many readers take it. */
import type { FlvMessage } from '../../flv-session/types.ts'
import { CHUNK_STREAM, OUT_CHUNK_SIZE, writeMessage } from './chunk-writer.ts'
import { MESSAGE } from './message.ts'
import { wrapMetadata } from './tags.ts'

/** The message stream that nearly everybody uses: the first that `createStream` gives. */
const SHARED_STREAM = 1

const chunkStreamOf = (type: number): number => {
  if (type === MESSAGE.video) return CHUNK_STREAM.video
  return type === MESSAGE.audio ? CHUNK_STREAM.audio : CHUNK_STREAM.data
}

const writeMedia = (message: FlvMessage, streamId: number): Uint8Array => {
  const { type, timestampMs, body } = message
  return writeMessage(chunkStreamOf(type), type, streamId, timestampMs >>> 0, body, OUT_CHUNK_SIZE)
}

/** Metadata as a publisher sends it: with the wish to have it kept. */
export const writePublishedMetadata = (message: FlvMessage, streamId: number): Uint8Array => {
  const body = wrapMetadata(message.body)
  return writeMessage(
    CHUNK_STREAM.data,
    message.type,
    streamId,
    message.timestampMs >>> 0,
    body,
    OUT_CHUNK_SIZE,
  )
}

let lastFrame: FlvMessage | undefined
let lastBytes: Uint8Array = new Uint8Array(0)
/** Sequence headers: each reader gets them at a time of its own. */
const headers = new WeakMap<FlvMessage, Uint8Array>()

/** Fan-out is synchronous: all readers of a frame ask one after the other, so that one entry is cache enough. */
export const shareMedia = (message: FlvMessage, streamId: number): Uint8Array => {
  if (streamId !== SHARED_STREAM) return writeMedia(message, streamId)
  if (message === lastFrame) return lastBytes
  if (message.role !== 'frame') return shareHeader(message)
  lastFrame = message
  lastBytes = writeMedia(message, SHARED_STREAM)
  return lastBytes
}

const shareHeader = (message: FlvMessage): Uint8Array => {
  const bytes = headers.get(message) ?? writeMedia(message, SHARED_STREAM)
  headers.set(message, bytes)
  return bytes
}
