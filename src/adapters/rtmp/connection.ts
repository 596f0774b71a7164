import { GatewayError, toGatewayError } from '../../errors.ts'
import type { AmfValue } from '../../media/amf/value.ts'
import type { FlvTag } from '../../media/flv/types.ts'
import { ChunkReader } from './chunk-reader.ts'
import { CHUNK_STREAM, OUT_CHUNK_SIZE, writeMessage } from './chunk-writer.ts'
import { type Command, type CommandForm, encodeCommand, parseCommand } from './commands.ts'
import {
  answerClient,
  answerServer,
  describeVersion,
  greetServer,
  HANDSHAKE_BYTES,
  RTMP_VERSION,
} from './handshake.ts'
import { MESSAGE, type RtmpLimits, type RtmpMessage, USER_CONTROL } from './message.ts'
import { readTags } from './tags.ts'

/** The byte pipe below: a TCP or TLS socket, or memory in tests. */
export interface Transport {
  /** `mayWait`: for some milliseconds, until others leave with it. */
  write(bytes: Uint8Array, mayWait?: boolean): void
  /** Bytes written that the operating system has not taken yet. */
  backlog(): number
  pause(): void
  resume(): void
  /** Sends what is waiting, then closes. */
  end(): void
}

/** Called synchronously while bytes are read. */
export interface ConnectionEvents {
  /** The handshake is over. */
  onOpen(): void
  onCommand(command: Command): void
  onTag(streamId: number, tag: FlvTag): void
  onUserControl(event: number, value: number): void
  /** Once; nothing is read any more. */
  onFailure(error: GatewayError): void
}

/** Acknowledge every so many bytes as long as the peer did not say how often it wants it. */
const DEFAULT_WINDOW = 2_500_000
const PEER_BANDWIDTH_DYNAMIC = 2
const DEFAULT_CHUNK_SIZE = 128

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}
const readU32 = (bytes: Uint8Array, at = 0): number =>
  bytes.length < at + 4 ? 0 : Buffer.from(bytes.buffer, bytes.byteOffset + at, 4).readUInt32BE()

/** What both roles share: handshake, chunks, protocol control. Knows no command and no stream. */
export class RtmpConnection {
  /** Bytes received and sent, and how many of ours the peer has acknowledged. */
  readonly stats = { received: 0, sent: 0, acknowledged: 0, ignored: 0 }
  /** How often the peer has acknowledged, and at most after how many bytes. */
  readonly acknowledgements = { count: 0, window: 0 }
  /** What may wait in the transport when we answer; media readers have their own measure. */
  replyLimit: number
  readonly #role: 'server' | 'client'
  readonly #transport: Transport
  readonly #events: ConnectionEvents
  readonly #reader: ChunkReader
  readonly #greeting = new Uint8Array(1 + HANDSHAKE_BYTES)
  #greeted = 0
  #phase: 'first' | 'second' | 'open' | 'closed' = 'first'
  #held: Uint8Array[] = []
  #reading = false
  #window = DEFAULT_WINDOW
  #reported = 0
  #chunkSize = DEFAULT_CHUNK_SIZE

  constructor(role: 'server' | 'client', limits: RtmpLimits, transport: Transport, events: ConnectionEvents) {
    this.#role = role
    this.#transport = transport
    this.#events = events
    this.replyLimit = limits.replyBytes
    this.#reader = new ChunkReader(limits, message => this.#onMessage(message))
  }

  /** Client role: says hello. */
  greet(form: 'simple' | 'complex'): void {
    this.write(greetServer(form))
  }

  /**
   * Copies what it keeps. Never throws: whatever goes wrong ends this connection alone, through `onFailure`.
   */
  receive(bytes: Uint8Array): void {
    if (this.#phase === 'closed') return
    this.stats.received += bytes.length
    const taken = this.#held.length === 0 && !this.#reading ? this.#take(bytes) : 0
    if (taken < bytes.length && !this.#isClosed()) this.#held.push(Uint8Array.from(bytes.subarray(taken)))
  }

  /** Reads no further until `release`, so that nothing is lost or piled up while a decision is awaited. */
  hold(): void {
    this.#reader.paused = true
    this.#transport.pause()
  }

  release(): void {
    if (this.#phase === 'closed') return
    this.#reader.paused = false
    this.#transport.resume()
    this.#read()
  }

  /** Reads what was held back. */
  #read(): void {
    if (this.#reading) return
    while (this.#held.length > 0 && !this.#reader.paused) {
      const bytes = this.#held[0]!
      const taken = this.#take(bytes)
      if (taken === bytes.length) this.#held.shift()
      else if (!this.#isClosed()) this.#held[0] = bytes.subarray(taken)
    }
  }

  /** Reads on, and returns how many bytes were taken: fewer than all only when reading is held or over. */
  #take(bytes: Uint8Array): number {
    let at = 0
    this.#reading = true
    try {
      while (at < bytes.length && !this.#reader.paused) {
        const rest = at === 0 ? bytes : bytes.subarray(at)
        at += this.#phase === 'open' ? this.#reader.push(rest) : this.#readHandshake(rest)
      }
      this.#acknowledge()
    } catch (error) {
      this.fail(toGatewayError(error))
    } finally {
      this.#reading = false
    }
    return at
  }

  #isClosed(): boolean {
    return this.#phase === 'closed'
  }

  fail(error: GatewayError): void {
    if (this.#close()) this.#events.onFailure(error)
  }

  /** Nothing is read or written any more; true the first time. */
  #close(): boolean {
    if (this.#phase === 'closed') return false
    this.#phase = 'closed'
    this.#held = []
    this.#reader.paused = true
    return true
  }

  #readHandshake(bytes: Uint8Array): number {
    const wanted = (this.#phase === 'first' ? 1 : 0) + HANDSHAKE_BYTES
    const count = Math.min(wanted - this.#greeted, bytes.length)
    this.#greeting.set(bytes.subarray(0, count), this.#greeted)
    this.#greeted += count
    if (this.#phase === 'first' && this.#greeting[0] !== RTMP_VERSION) {
      throw new GatewayError('malformed', describeVersion(this.#greeting[0]!))
    }
    if (this.#greeted < wanted) return count
    this.#greeted = 0
    if (this.#phase === 'first') {
      const block = this.#greeting.subarray(1)
      this.write(this.#role === 'server' ? answerClient(block) : answerServer(block))
      this.#phase = 'second'
    } else {
      this.#phase = 'open'
      this.#events.onOpen()
    }
    return count
  }

  #onMessage(message: RtmpMessage): void {
    switch (message.type) {
      case MESSAGE.audio:
      case MESSAGE.video:
      case MESSAGE.dataAmf0:
      case MESSAGE.dataAmf3:
      case MESSAGE.aggregate:
        if (!readTags(message, tag => this.#events.onTag(message.streamId, tag))) this.stats.ignored += 1
        break
      case MESSAGE.commandAmf0:
      case MESSAGE.commandAmf3:
        this.#events.onCommand(parseCommand(message))
        break
      default:
        this.#onControl(message)
    }
  }

  #onControl({ type, body }: RtmpMessage): void {
    if (type === MESSAGE.acknowledgement) this.#onAcknowledged(readU32(body))
    else if (type === MESSAGE.windowAckSize) this.#window = readU32(body) || DEFAULT_WINDOW
    else if (type === MESSAGE.setPeerBandwidth) this.sendWindowAckSize(readU32(body) || DEFAULT_WINDOW)
    else if (type === MESSAGE.userControl) this.#onUserControl(body)
    else this.stats.ignored += 1
  }

  #onAcknowledged(total: number): void {
    const { stats, acknowledgements } = this
    acknowledgements.count += 1
    acknowledgements.window = Math.max(acknowledgements.window, (total - stats.acknowledged) >>> 0)
    stats.acknowledged = total
  }

  #onUserControl(body: Uint8Array): void {
    const event = body.length < 2 ? -1 : (body[0]! << 8) | body[1]!
    const value = readU32(body, 2)
    if (event === USER_CONTROL.pingRequest) this.sendUserControl(USER_CONTROL.pingResponse, value)
    else this.#events.onUserControl(event, value)
  }

  /** 5.4.3: the number of bytes received so far, modulo 2^32. */
  #acknowledge(): void {
    const { received } = this.stats
    if (this.#phase !== 'open' || received - this.#reported < this.#window) return
    this.#reported = received
    this.#control(MESSAGE.acknowledgement, u32(received))
  }

  #control(type: number, body: Uint8Array): void {
    this.send(CHUNK_STREAM.control, type, 0, body)
  }

  sendWindowAckSize(bytes: number): void {
    this.#control(MESSAGE.windowAckSize, u32(bytes))
  }

  sendPeerBandwidth(bytes: number): void {
    this.#control(MESSAGE.setPeerBandwidth, Buffer.concat([u32(bytes), Buffer.of(PEER_BANDWIDTH_DYNAMIC)]))
  }

  /** From now on we send chunks of OUT_CHUNK_SIZE. */
  sendChunkSize(): void {
    this.#control(MESSAGE.setChunkSize, u32(OUT_CHUNK_SIZE))
    this.#chunkSize = OUT_CHUNK_SIZE
  }

  sendUserControl(event: number, ...values: readonly number[]): void {
    this.#control(MESSAGE.userControl, Buffer.concat([u32(event).subarray(2), ...values.map(u32)]))
  }

  sendCommand(form: CommandForm, streamId: number, ...values: readonly AmfValue[]): void {
    this.send(CHUNK_STREAM.command, form, streamId, encodeCommand(form, values))
  }

  /** An answer, not media: a peer that asks and does not read is let go. */
  send(chunkStreamId: number, type: number, streamId: number, body: Uint8Array): void {
    const backlog = this.#transport.backlog()
    if (backlog > this.replyLimit) {
      const what = `the peer asks but does not read: ${backlog} bytes of answers wait, at most ${this.replyLimit}`
      this.fail(new GatewayError('limit-exceeded', what))
      return
    }
    this.write(writeMessage(chunkStreamId, type, streamId, 0, body, this.#chunkSize))
  }

  /** Chunks as they are: shared media messages. */
  write(bytes: Uint8Array, mayWait = false): void {
    if (this.#phase === 'closed') return
    this.stats.sent += bytes.length
    this.#transport.write(bytes, mayWait)
  }

  /** What was written still goes out, then the transport closes. */
  end(): void {
    if (this.#close()) this.#transport.end()
  }
}
