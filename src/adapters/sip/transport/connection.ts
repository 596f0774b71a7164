import type { Socket } from 'node:net'
import { ConnectedFlow, type ConnectionOptions, plainIp } from './connected-flow.ts'
import { pong } from './flow.ts'
import { StreamFramer } from './framing.ts'

/** Longest that a peer may take for its first message. */
const firstMessageUs = 10_000_000

/** One TCP or TLS connection. */
export class Connection extends ConnectedFlow {
  readonly #socket: Socket
  readonly #cancelDeadline: () => void

  constructor(socket: Socket, options: ConnectionOptions) {
    super({ ip: plainIp(socket.remoteAddress), port: socket.remotePort ?? 0 }, options)
    this.#socket = socket
    this.#cancelDeadline = options.clock.after(firstMessageUs, () => this.close('no message within 10 s'))
    this.#read(options.maxBytes)
  }

  #read(maxBytes: number): void {
    const framer = new StreamFramer(maxBytes, {
      message: bytes => {
        this.#cancelDeadline()
        if (this.open) this.events.message(bytes, this)
      },
      ping: () => void this.#socket.write(pong),
    })
    this.#socket.on('data', (chunk: Buffer) => {
      const problem = this.open ? framer.push(chunk) : undefined
      if (problem === undefined) return
      this.events.garbage(problem, this)
      this.close(problem)
    })
    this.#socket.on('error', error => this.close(error.message))
    this.#socket.on('close', () => this.close('the peer closed the connection'))
  }

  protected get unsentBytes(): number {
    return this.#socket.writableLength
  }

  protected write(bytes: Buffer): void {
    this.#cancelDeadline()
    this.#socket.write(bytes)
  }

  protected destroy(): void {
    this.#cancelDeadline()
    this.#socket.destroy()
  }
}
