import { GatewayError } from '../../errors.ts'
import { createChunkHeader, EXTENDED, MAX_CHUNK_HEADER, readChunkHeader } from './chunk-header.ts'
import { MESSAGE, messageLimit, type RtmpLimits, type RtmpMessage } from './message.ts'
import { allocate } from './slab.ts'

const FIRST_ALLOCATION = 64 << 10
const DEFAULT_CHUNK_SIZE = 128
const EMPTY = new Uint8Array(0)

interface ChunkStream {
  readonly id: number
  timestampMs: number
  deltaMs: number
  /** What a type 3 chunk repeats as its extended timestamp; undefined when there is none. */
  extended: number | undefined
  length: number
  type: number
  streamId: number
  /** The message under way: memory grows with the bytes that really came. */
  body: Uint8Array
  filled: number
  open: boolean
}

const u32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0

/** Bytes in, messages out. Chunk size and abort are dealt with here, all other messages are handed on. */
export class ChunkReader {
  /** Stops in front of the next message while true; `push` returns early then. */
  paused = false
  /** Messages that were begun and replaced by another one before their end, or aborted. */
  interrupted = 0
  readonly #limits: RtmpLimits
  readonly #onMessage: (message: RtmpMessage) => void
  readonly #streams = new Map<number, ChunkStream>()
  readonly #header = createChunkHeader()
  readonly #carry = new Uint8Array(MAX_CHUNK_HEADER)
  #carried = 0
  #chunkSize = DEFAULT_CHUNK_SIZE
  #current: ChunkStream | undefined
  #chunkLeft = 0
  #pendingBytes = 0

  constructor(limits: RtmpLimits, onMessage: (message: RtmpMessage) => void) {
    this.#limits = limits
    this.#onMessage = onMessage
  }

  /**
   * Reads on; returns how many bytes were taken (fewer than all only when paused). Copies what it keeps.
   * @throws GatewayError 'malformed' or 'limit-exceeded': the byte stream cannot be followed any more
   */
  push(bytes: Uint8Array): number {
    let at = 0
    while (at < bytes.length && !this.paused) {
      at = this.#current === undefined ? this.#readHeader(bytes, at) : this.#readPayload(bytes, at)
    }
    return at
  }

  #readHeader(bytes: Uint8Array, at: number): number {
    if (this.#carried > 0) return this.#readCarriedHeader(bytes, at)
    const size = this.#tryHeader(bytes, at, bytes.length)
    if (size > 0) return at + size
    this.#carry.set(bytes.subarray(at))
    this.#carried = bytes.length - at
    return bytes.length
  }

  /** A header that began in an earlier buffer: the two parts are joined in `#carry`. */
  #readCarriedHeader(bytes: Uint8Array, at: number): number {
    const before = this.#carried
    const added = Math.min(MAX_CHUNK_HEADER - before, bytes.length - at)
    this.#carry.set(bytes.subarray(at, at + added), before)
    const size = this.#tryHeader(this.#carry, 0, before + added)
    if (size === 0) {
      this.#carried += added
      return at + added
    }
    this.#carried = 0
    if (size >= before) return at + size - before
    this.#replay(this.#carry.slice(size, before))
    return at
  }

  /** Up to three bytes that looked like the beginning of an extended timestamp and were not. */
  #replay(bytes: Uint8Array): void {
    const taken = this.push(bytes)
    if (taken === bytes.length) return
    this.#carry.set(bytes.subarray(taken))
    this.#carried = bytes.length - taken
  }

  /** 0 when bytes are missing; nothing has changed then. */
  #tryHeader(bytes: Uint8Array, at: number, end: number): number {
    const header = this.#header
    if (!readChunkHeader(header, bytes, at, end)) return 0
    const known = this.#streams.get(header.chunkStreamId)
    const extendedAt = at + header.size
    const extendedBytes = this.#extendedBytes(known, bytes, extendedAt, end)
    if (extendedAt + extendedBytes > end) return 0
    const stream = known ?? this.#addStream(header.chunkStreamId)
    if (header.format < 3) {
      const extended = extendedBytes > 0 ? u32(bytes, extendedAt) : undefined
      this.#beginFormat(stream, extended)
    } else if (!stream.open) this.#begin(stream, stream.deltaMs)
    this.#current = stream
    this.#chunkLeft = Math.min(this.#chunkSize, stream.length - stream.filled)
    if (this.#chunkLeft === 0) this.#finish(stream)
    return header.size + extendedBytes
  }

  /**
   * 5.3.1.3: a type 3 chunk repeats the extended timestamp of its chunk stream. Old encoders leave it out, so it is
   * taken for one only where the same four bytes are there.
   */
  #extendedBytes(known: ChunkStream | undefined, bytes: Uint8Array, at: number, end: number): number {
    if (this.#header.format < 3) return this.#header.timestampField === EXTENDED ? 4 : 0
    if (known?.extended === undefined) return 0
    for (let index = 0; index < 4 && at + index < end; index++) {
      if (bytes[at + index] !== ((known.extended >>> (24 - 8 * index)) & 0xff)) return 0
    }
    return 4
  }

  #addStream(id: number): ChunkStream {
    if (this.#streams.size >= this.#limits.chunkStreams) {
      throw new GatewayError('limit-exceeded', `more than ${this.#limits.chunkStreams} chunk streams`)
    }
    const stream: ChunkStream = {
      id,
      timestampMs: 0,
      deltaMs: 0,
      extended: undefined,
      length: 0,
      type: 0,
      streamId: 0,
      body: EMPTY,
      filled: 0,
      open: false,
    }
    this.#streams.set(id, stream)
    return stream
  }

  /** A chunk of type 0, 1 or 2 begins a message; 5.3.1.2.4: after type 0 the timestamp is the next delta too. */
  #beginFormat(stream: ChunkStream, extended: number | undefined): void {
    const header = this.#header
    const time = extended ?? header.timestampField
    stream.extended = extended
    if (stream.open) this.#drop(stream)
    if (header.format <= 1) {
      stream.length = header.length
      stream.type = header.type
    }
    if (header.format === 0) {
      stream.streamId = header.streamId
      stream.timestampMs = 0
    }
    stream.deltaMs = time
    this.#begin(stream, time)
  }

  #begin(stream: ChunkStream, deltaMs: number): void {
    const limit = messageLimit(this.#limits, stream.type)
    if (stream.length > limit) {
      const what = `message of type ${stream.type} with ${stream.length} bytes, at most ${limit}`
      throw new GatewayError('limit-exceeded', what)
    }
    stream.timestampMs = (stream.timestampMs + deltaMs) >>> 0
    stream.open = true
    stream.filled = 0
    this.#allocate(stream, Math.min(stream.length, FIRST_ALLOCATION))
  }

  #allocate(stream: ChunkStream, size: number): void {
    this.#pendingBytes += size - stream.body.length
    if (this.#pendingBytes > this.#limits.pendingBytes) {
      const what = `unfinished messages of ${this.#pendingBytes} bytes, at most ${this.#limits.pendingBytes}`
      throw new GatewayError('limit-exceeded', what)
    }
    const body = allocate(size)
    body.set(stream.body.subarray(0, stream.filled))
    stream.body = body
  }

  #readPayload(bytes: Uint8Array, at: number): number {
    const stream = this.#current!
    const count = Math.min(this.#chunkLeft, bytes.length - at)
    const filled = stream.filled + count
    if (filled > stream.body.length) {
      this.#allocate(stream, Math.min(stream.length, Math.max(filled, stream.body.length * 2)))
    }
    stream.body.set(bytes.subarray(at, at + count), stream.filled)
    stream.filled = filled
    this.#chunkLeft -= count
    if (this.#chunkLeft === 0) this.#finish(stream)
    return at + count
  }

  /** The end of a chunk; of a message too, when all its bytes are there. */
  #finish(stream: ChunkStream): void {
    this.#current = undefined
    if (stream.filled < stream.length) return
    const body = this.#release(stream)
    const { type, streamId, timestampMs } = stream
    if (type === MESSAGE.setChunkSize) this.#setChunkSize(body)
    else if (type === MESSAGE.abort) this.#abort(body)
    else this.#onMessage({ type, streamId, timestampMs, body })
  }

  #release(stream: ChunkStream): Uint8Array {
    const body = stream.body
    this.#pendingBytes -= body.length
    stream.body = EMPTY
    stream.filled = 0
    stream.open = false
    return body
  }

  #drop(stream: ChunkStream): void {
    this.#release(stream)
    this.interrupted += 1
  }

  /** 5.4.1: 31 bits, at least 1; no chunk is ever larger than a message, so large values need no limit. */
  #setChunkSize(body: Uint8Array): void {
    const size = body.length < 4 ? 0 : u32(body, 0) & 0x7fff_ffff
    if (size === 0) throw new GatewayError('malformed', 'chunk size 0')
    this.#chunkSize = size
  }

  /** 5.4.2: the rest of a message will not come. */
  #abort(body: Uint8Array): void {
    const stream = body.length < 4 ? undefined : this.#streams.get(u32(body, 0))
    if (stream?.open === true) this.#drop(stream)
  }
}
