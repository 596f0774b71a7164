import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { loadNative } from '../../native/index.ts'
import type { ReadTcp, TcpReader } from '../../native/types.ts'
import { flushAfter } from './write-batch.ts'

/** All readers share it: what is read is dealt with before the next is. */
const buffer = new Uint8Array(256 * 1024)

/** The handle beneath a stream, which the stream may be told not to read from. */
interface Handle {
  readonly fd: number
  readStart(): unknown
  readStop(): unknown
}

const handleOf = (socket: Socket): Handle | undefined => {
  const { _handle: handle } = socket as Socket & { readonly _handle?: Partial<Handle> | null }
  const usable = handle?.fd !== undefined && handle.fd >= 0 && handle.readStop !== undefined
  return usable && !(socket instanceof TLSSocket) ? (handle as Handle) : undefined
}

const findCall = (): ReadTcp | undefined => {
  try {
    return loadNative().readTcp
  } catch {
    return undefined // not built: RTMP goes without
  }
}

/**
 * Reads a socket past its stream, whose steps cost a publisher more than all that RTMP does with the bytes. The end
 * of the connection, and a broken one, are left to the stream.
 */
export class DirectReader {
  readonly #handle: Handle
  readonly #socket: Socket
  readonly #reader: TcpReader
  #over = false

  /** undefined where it cannot be done: TLS, or a system without the call. */
  static open(socket: Socket, receive: (bytes: Uint8Array) => void): DirectReader | undefined {
    const handle = handleOf(socket)
    const call = handle && findCall()
    return handle && call && new DirectReader(socket, handle, call, receive)
  }

  private constructor(socket: Socket, handle: Handle, call: ReadTcp, receive: (bytes: Uint8Array) => void) {
    this.#socket = socket
    this.#handle = handle
    this.#reader = call(handle.fd, buffer, length => {
      if (length > 0) flushAfter(receive, buffer.subarray(0, length))
      else this.handBack()
    })
    handle.readStop()
    socket.once('close', () => this.#end())
  }

  pause(): void {
    if (!this.#over) this.#reader.pause()
  }

  resume(): void {
    if (!this.#over) this.#reader.resume()
  }

  /** The stream reads again. */
  handBack(): void {
    if (this.#end() && !this.#socket.destroyed) this.#handle.readStart()
  }

  #end(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#reader.close()
    return true
  }
}
