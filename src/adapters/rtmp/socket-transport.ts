import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Clock } from '../../core/types.ts'
import type { Transport } from './connection.ts'
import { DirectReader } from './direct-reader.ts'
import { addToBatch, type BatchTarget, canBatch, flushBatch, makeRoom } from './write-batch.ts'

/** How long a peer may take to fetch our last words. */
const LINGER_US = 2_000_000

/** -1 where bytes may not pass the stream by: TLS, or a system without the call. */
const descriptorOf = (socket: Socket): number => {
  if (socket instanceof TLSSocket || !canBatch()) return -1
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } | null }
  return handle?.fd ?? -1
}

/** Streams written to in this turn of the event loop: their messages leave together, in one system call each. */
const corked: Socket[] = []

const uncorkAll = (): void => {
  for (const socket of corked) socket.uncork()
  corked.length = 0
}

const cork = (socket: Socket): void => {
  if (socket.writableCorked > 0) return
  if (corked.length === 0) setImmediate(uncorkAll)
  corked.push(socket)
  socket.cork()
}

/** Writes in batches as long as the kernel takes all, and through the stream while it does not. */
export class SocketTransport implements Transport, BatchTarget {
  readonly descriptor: number
  chosen = 0
  waiting = 0
  readonly #socket: Socket
  readonly #clock: Clock
  /** The stream may hold bytes: nothing may pass them by. */
  #streams: boolean
  #reader: DirectReader | undefined
  #readerTried = false

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket
    this.#clock = clock
    this.descriptor = descriptorOf(socket)
    this.#streams = this.descriptor < 0
  }

  write(bytes: Uint8Array, mayWait = false): void {
    makeRoom()
    if (this.#isDirect()) addToBatch(this, bytes, mayWait)
    else this.#stream(bytes)
  }

  backlog(): number {
    return this.#streams ? this.#socket.writableLength : this.waiting
  }

  pause(): void {
    this.#reader?.pause()
    this.#socket.pause()
  }

  resume(): void {
    this.#reader?.resume()
    this.#socket.resume()
  }

  /**
   * From now on `receive` gets what comes, past the stream and its `data` events, and copies what it keeps. Nothing
   * changes while the stream holds bytes or is paused, and where it cannot be done.
   */
  readDirectly(receive: (bytes: Uint8Array) => void): void {
    if (this.#readerTried || this.#socket.readableLength > 0 || this.#socket.isPaused()) return
    this.#readerTried = true
    this.#reader = DirectReader.open(this.#socket, receive)
  }

  end(): void {
    const socket = this.#socket
    if (this.waiting > 0) flushBatch()
    if (socket.destroyed) return
    this.#reader?.handBack()
    // Reading goes on: closing with unread bytes would reset the connection and lose what was just written.
    socket.resume()
    socket.end()
    const cancel = this.#clock.after(LINGER_US, () => socket.destroy())
    socket.once('close', cancel)
  }

  isWritable(): boolean {
    return this.#socket.writable
  }

  spill(rest: readonly Uint8Array[]): void {
    for (const bytes of rest) this.#stream(bytes)
  }

  #isDirect(): boolean {
    if (this.#streams && this.#socket.writableLength === 0) this.#streams = this.descriptor < 0
    return !this.#streams
  }

  #stream(bytes: Uint8Array): void {
    this.#streams = true
    if (!this.#socket.writable) return
    cork(this.#socket)
    this.#socket.write(bytes)
  }
}

export const createSocketTransport = (socket: Socket, clock: Clock): SocketTransport =>
  new SocketTransport(socket, clock)
