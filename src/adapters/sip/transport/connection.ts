import type { Socket } from 'node:net'
import type { Clock } from '../../../core/types.ts'
import type { BoundAddress, TransportKind } from '../addresses.ts'
import type { ClosableFlow } from './connection-table.ts'
import { type FlowEvents, pong } from './flow.ts'
import { StreamFramer } from './framing.ts'

export interface ConnectionOptions {
  readonly transport: TransportKind
  readonly door: number
  readonly local: BoundAddress
  readonly clock: Clock
  readonly maxBytes: number
  readonly events: FlowEvents
  /** Whom the certificate was checked to be. */
  readonly verified?: string | undefined
}

/** Longest that a peer may take for its first message. */
const firstMessageUs = 10_000_000
/** More than that unsent, and the peer does not read. */
const maxUnsentBytes = 1 << 20

/** A plain IPv4 address is written as one, whatever the socket was made for. */
export const plainIp = (ip: string | undefined): string => (ip ?? '').replace(/^::ffff:(?=\d+\.)/i, '')

/** One TCP or TLS connection. */
export class Connection implements ClosableFlow {
  readonly verified: string | undefined
  readonly transport: TransportKind
  readonly reliable = true
  readonly ip: string
  readonly port: number
  readonly door: number
  readonly local: BoundAddress
  readonly #socket: Socket
  readonly #events: FlowEvents
  readonly #cancelDeadline: () => void
  #open = true

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket
    this.#events = options.events
    this.transport = options.transport
    this.verified = options.verified
    this.door = options.door
    this.local = options.local
    this.ip = plainIp(socket.remoteAddress)
    this.port = socket.remotePort ?? 0
    this.#cancelDeadline = options.clock.after(firstMessageUs, () => this.close('no message within 10 s'))
    this.#read(options.maxBytes)
  }

  get open(): boolean {
    return this.#open
  }

  #read(maxBytes: number): void {
    const framer = new StreamFramer(maxBytes, {
      message: bytes => {
        this.#cancelDeadline()
        if (this.#open) this.#events.message(bytes, this)
      },
      ping: () => void this.#socket.write(pong),
    })
    this.#socket.on('data', (chunk: Buffer) => {
      const problem = this.#open ? framer.push(chunk) : undefined
      if (problem === undefined) return
      this.#events.garbage(problem, this)
      this.close(problem)
    })
    this.#socket.on('error', error => this.close(error.message))
    this.#socket.on('close', () => this.close('the peer closed the connection'))
  }

  send(bytes: Buffer): void {
    if (!this.#open) return
    this.#cancelDeadline()
    if (this.#socket.writableLength > maxUnsentBytes) this.close('the peer does not read')
    else {
      this.#events.sent(bytes, this)
      this.#socket.write(bytes)
    }
  }

  close(reason: string): void {
    if (!this.#open) return
    this.#open = false
    this.#cancelDeadline()
    this.#socket.destroy()
    this.#events.lost(this, reason)
  }
}
