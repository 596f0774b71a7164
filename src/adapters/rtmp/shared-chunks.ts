/** Media messages as RTMP chunks, made once per message however many readers take it. */
import { shareBytes } from '../../flv-session/share-bytes.ts'
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

const share = shareBytes(message => writeMedia(message, SHARED_STREAM))

/** The same bytes for all readers on the usual message stream. */
export const shareMedia = (message: FlvMessage, streamId: number): Uint8Array =>
  streamId === SHARED_STREAM ? share(message) : writeMedia(message, streamId)
