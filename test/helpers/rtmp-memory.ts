/** RTMP without sockets: transports in memory, and hand-made chunk streams. */
import type { Transport } from '../../src/adapters/rtmp/connection.ts'
import { encodeAmf0 } from '../../src/media/amf/amf0-encode.ts'
import type { AmfValue } from '../../src/media/amf/value.ts'

export interface MemoryTransport extends Transport {
  readonly written: Uint8Array[]
  paused: boolean
  ended: boolean
  waiting: number
  take(): Uint8Array
}

export const createMemoryTransport = (): MemoryTransport => {
  const transport: MemoryTransport = {
    written: [],
    paused: false,
    ended: false,
    waiting: 0,
    write: bytes => void transport.written.push(bytes),
    backlog: () => transport.waiting,
    pause: () => {
      transport.paused = true
    },
    resume: () => {
      transport.paused = false
    },
    end: () => {
      transport.ended = true
    },
    take: () => Buffer.concat(transport.written.splice(0)),
  }
  return transport
}

export interface ChunkOptions {
  readonly csid?: number
  readonly streamId?: number
  readonly time?: number
  readonly chunkSize?: number
  /** Leave the extended timestamp out of type 3 chunks, as old encoders do. */
  readonly bareType3?: boolean
}

export const basicHeader = (format: number, csid: number): Buffer => {
  if (csid < 64) return Buffer.of((format << 6) | csid)
  if (csid < 320) return Buffer.of(format << 6, csid - 64)
  return Buffer.of((format << 6) | 1, (csid - 64) & 0xff, (csid - 64) >> 8)
}

/** A whole message from a type 0 chunk on, written independently of the code under test. */
export const chunks = (type: number, body: Uint8Array, options: ChunkOptions = {}): Buffer => {
  const { csid = 3, streamId = 0, time = 0, chunkSize = 128, bareType3 = false } = options
  const header = Buffer.alloc(11)
  const extended = time >= 0xff_ffff
  header.writeUIntBE(extended ? 0xff_ffff : time, 0, 3)
  header.writeUIntBE(body.length, 3, 3)
  header[6] = type
  header.writeUInt32LE(streamId, 7)
  const time4 = Buffer.alloc(extended ? 4 : 0)
  if (extended) time4.writeUInt32BE(time)
  const parts: Uint8Array[] = [basicHeader(0, csid), header, time4]
  for (let at = 0; at === 0 || at < body.length; at += chunkSize) {
    if (at > 0) parts.push(basicHeader(3, csid), ...(bareType3 ? [] : [time4]))
    parts.push(body.subarray(at, at + chunkSize))
  }
  return Buffer.concat(parts)
}

export const command = (values: readonly AmfValue[], options: ChunkOptions = {}): Buffer =>
  chunks(20, encodeAmf0(...values), options)

/** C0, C1 and C2 of the simple handshake. */
export const simpleHandshake = (): Buffer => {
  const bytes = Buffer.alloc(1 + 1536 + 1536)
  bytes[0] = 3
  return bytes
}
