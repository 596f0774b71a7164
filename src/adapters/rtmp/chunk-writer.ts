import { EXTENDED } from './chunk-header.ts'

/** Chunk size that we announce for what we send: large frames go out in few chunks. Others take it (ffmpeg sends it too). */
export const OUT_CHUNK_SIZE = 60_000

/** Chunk stream ids that we send on. One per kind, so that a large video frame never delays the others' headers. */
export const CHUNK_STREAM = { control: 2, command: 3, audio: 4, data: 5, video: 6 } as const

const FIRST_HEADER = 12

/**
 * A whole message as chunks. Its first chunk is of type 0, which depends on nothing sent before: the same bytes
 * serve every reader. Chunk stream ids 2 to 63.
 */
export const writeMessage = (
  chunkStreamId: number,
  type: number,
  streamId: number,
  timestampMs: number,
  body: Uint8Array,
  chunkSize: number,
): Uint8Array => {
  const extended = timestampMs >= EXTENDED ? 4 : 0
  const chunks = Math.max(1, Math.ceil(body.length / chunkSize))
  const size = FIRST_HEADER + extended + (chunks - 1) * (1 + extended) + body.length
  const out = Buffer.allocUnsafeSlow(size)
  out[0] = chunkStreamId
  out.writeUIntBE(extended > 0 ? EXTENDED : timestampMs, 1, 3)
  out.writeUIntBE(body.length, 4, 3)
  out[7] = type
  out.writeUInt32LE(streamId, 8)
  let at = FIRST_HEADER
  if (extended > 0) at = out.writeUInt32BE(timestampMs, at)
  for (let from = 0; from < body.length; from += chunkSize) {
    if (from > 0) {
      out[at++] = 0xc0 | chunkStreamId
      if (extended > 0) at = out.writeUInt32BE(timestampMs, at) // 5.3.1.3: repeated on type 3
    }
    out.set(body.subarray(from, from + chunkSize), at)
    at += Math.min(chunkSize, body.length - from)
  }
  return out
}
