import type { Clock } from '../../../core/types.ts'
import type { BoundAddress, TransportKind } from '../addresses.ts'
import type { ClosableFlow } from './connection-table.ts'
import type { FlowEvents } from './flow.ts'

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

/** The peer of a connection. */
export interface Remote {
  readonly ip: string
  readonly port: number
}

/** More than that unsent, and the peer does not read. */
const maxUnsentBytes = 1 << 20

/** A plain IPv4 address is written as one, whatever the socket was made for. */
export const plainIp = (ip: string | undefined): string => (ip ?? '').replace(/^::ffff:(?=\d+\.)/i, '')

/** What connections have in common, whatever carries their messages: an end, and a limit to what waits to be sent. */
export abstract class ConnectedFlow implements ClosableFlow {
  readonly verified: string | undefined
  readonly transport: TransportKind
  readonly reliable = true
  readonly ip: string
  readonly port: number
  readonly door: number
  readonly local: BoundAddress
  protected readonly events: FlowEvents
  #open = true

  constructor({ ip, port }: Remote, options: ConnectionOptions) {
    this.ip = ip
    this.port = port
    this.events = options.events
    this.verified = options.verified
    this.transport = options.transport
    this.door = options.door
    this.local = options.local
  }

  get open(): boolean {
    return this.#open
  }

  send(bytes: Buffer): void {
    if (!this.#open) return
    if (this.unsentBytes > maxUnsentBytes) this.close('the peer does not read')
    else {
      this.events.sent(bytes, this)
      this.write(bytes)
    }
  }

  close(reason: string): void {
    if (!this.#open) return
    this.#open = false
    this.destroy()
    this.events.lost(this, reason)
  }

  protected abstract get unsentBytes(): number
  /** One whole message. */
  protected abstract write(bytes: Buffer): void
  protected abstract destroy(): void
}
