/** Media messages are FLV tags: same types, same bodies. Here the wrappers that RTMP puts around them come off. */
import type { FlvTag } from '../../media/flv/types.ts'
import { MESSAGE, type RtmpMessage } from './message.ts'

const AGGREGATE_HEADER = 11
const BACK_POINTER = 4
/** AMF 0 strings that make a data message a request to the server to keep it (or drop it) as the stream's metadata. */
const amfString = (text: string): Uint8Array => Uint8Array.of(2, 0, text.length, ...Buffer.from(text))
const SET_DATA_FRAME = amfString('@setDataFrame')
const CLEAR_DATA_FRAME = amfString('@clearDataFrame')

const startsWith = (bytes: Uint8Array, prefix: Uint8Array): boolean =>
  bytes.length >= prefix.length && prefix.every((byte, index) => bytes[index] === byte)

/** Puts "@setDataFrame" in front: how a publisher hands over metadata. */
export const wrapMetadata = (body: Uint8Array): Uint8Array => Buffer.concat([SET_DATA_FRAME, body])

const dataTag = (timestampMs: number, body: Uint8Array): FlvTag | undefined => {
  if (startsWith(body, CLEAR_DATA_FRAME)) return undefined
  const inner = startsWith(body, SET_DATA_FRAME) ? body.subarray(SET_DATA_FRAME.length) : body
  return inner.length === 0 ? undefined : { type: 18, timestampMs, body: inner }
}

/** 7.1.6: FLV tags with back pointers in one message; their times are moved so that the first has the message's. */
const splitAggregate = (message: RtmpMessage, emit: (tag: FlvTag) => void): boolean => {
  const { body } = message
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  let first: number | undefined
  let whole = true
  for (let at = 0; at < body.length; ) {
    if (at + AGGREGATE_HEADER > body.length) return false
    const type = body[at]! & 0x1f
    const end = at + AGGREGATE_HEADER + (view.getUint32(at) & 0xff_ffff)
    if (end > body.length) return false
    const time = ((view.getUint32(at + 4) >>> 8) | (body[at + 7]! << 24)) >>> 0
    first ??= time
    const inner: RtmpMessage = {
      type,
      streamId: message.streamId,
      timestampMs: (message.timestampMs + time - first) >>> 0,
      body: body.subarray(at + AGGREGATE_HEADER, end),
    }
    if (type === MESSAGE.aggregate || !readTags(inner, emit)) whole = false
    at = end + BACK_POINTER
  }
  return whole
}

/** The tags of an audio, video, data or aggregate message; false when there was none, or not all could be read. */
export const readTags = (message: RtmpMessage, emit: (tag: FlvTag) => void): boolean => {
  const { type, timestampMs, body } = message
  if (type === MESSAGE.aggregate) return splitAggregate(message, emit)
  if (body.length === 0) return false
  if (type === MESSAGE.audio || type === MESSAGE.video) {
    emit({ type, timestampMs, body })
    return true
  }
  // A data message of type 15 has a format selector in front, then AMF 0 as in type 18.
  const data = type === MESSAGE.dataAmf3 && body[0] === 0 ? body.subarray(1) : body
  const tag = dataTag(timestampMs, data)
  if (tag !== undefined) emit(tag)
  return tag !== undefined
}
