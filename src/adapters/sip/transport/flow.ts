import type { BoundAddress, Source, TransportKind } from '../addresses.ts'

/** A way to one peer: a UDP address through one socket, or a connection. */
export interface Flow {
  readonly transport: TransportKind
  /** Delivered in order or not at all: nothing is retransmitted above it. */
  readonly reliable: boolean
  readonly ip: string
  readonly port: number
  /** Index among the doors of the door it belongs to; -1 for a connection of a transport without one. */
  readonly door: number
  readonly local: BoundAddress
  readonly open: boolean
  send(bytes: Buffer): void
}

export interface FlowEvents {
  /** One whole message, as it came. */
  message(bytes: Buffer, flow: Flow): void
  sent(bytes: Buffer, flow: Flow): void
  /** Bytes that are no message, or a connection that is not taken. */
  garbage(reason: string, from: Source): void
  /** A connection is gone, or a datagram was not taken: whoever waits for an answer waits in vain. */
  lost(flow: Flow, reason: string): void
}

/** A bound socket. */
export interface Door {
  readonly bound: BoundAddress
  close(): Promise<void>
}

/** A CRLF on UDP is kept alive by the packet itself; on a stream two are a ping, one the pong (RFC 5626 4.4.1). */
export const ping = Buffer.from('\r\n\r\n')
export const pong = Buffer.from('\r\n')
