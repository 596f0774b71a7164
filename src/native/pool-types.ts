/** Many UDP sockets polled as one, and a thread that sends through them at deadlines. */
import type { AddressId, DatagramBatch, UdpAddress, UdpStats } from './udp-types.ts'

/** A socket of a pool, never the id of a later one by mistake. `id & POOL_SLOT_MASK` is a small index for arrays. */
export type PoolSocketId = number
/** The part of a PoolSocketId that indexes arrays. A closed socket's index is given to another one later. */
export const POOL_SLOT_MASK = 0xf_ffff
/** Numbers in each group of `sendMany`. */
export const POOL_SEND_FIELDS = 4

/**
 * Datagrams of many sockets. Datagram i came to socket `sockets[i]`, which is -1 from the moment that the listener
 * closes that socket: skip it. `arrivedUs` is when the kernel got it, in microseconds of `performance.now()`, however
 * late it is read.
 */
export interface PoolBatch extends DatagramBatch {
  readonly sockets: Int32Array
  readonly arrivedUs: Float64Array
}

export interface PoolSocketOptions {
  /** Numeric address to bind: of this machine, '0.0.0.0', '::' (both families), or a multicast group. */
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** SO_RCVBUF asked for; 1 MiB when it is missing. */
  readonly receiveBufferBytes?: number
  readonly sendBufferBytes?: number
  /** SO_REUSEADDR: several sockets of one multicast group and port each get the datagrams. */
  readonly reuse?: boolean
  /** Multicast group to receive; only its datagrams come when `host` is the group's address. */
  readonly join?: MulticastGroup
  /** For what is sent to multicast groups. */
  readonly multicast?: { readonly interface?: string; readonly ttl?: number }
}

export interface MulticastGroup {
  readonly group: string
  /** Name ("eth0") or address of the interface; without it the system's choice. */
  readonly interface?: string
  /** Only from this sender (source-specific multicast, RFC 4607). */
  readonly source?: string
}

/**
 * Many small UDP sockets polled as one. Address ids are the pool's: good for each of its sockets, with the rules of
 * `UdpSocket`. A socket that floods takes at most a share of each batch.
 */
export interface UdpPool {
  /** @throws GatewayError 'bad-config', 'port-in-use', 'limit-exceeded' (no file descriptor left) */
  open(options: PoolSocketOptions): PoolSocketId
  /** What the socket was bound to. Throws GatewayError 'internal' for an id that is not open. */
  addressOfSocket(socket: PoolSocketId): UdpAddress
  /** Called synchronously for each batch of all sockets. One listener. */
  onBatch(listener: (batch: PoolBatch) => void): void
  addressOf(id: AddressId): UdpAddress
  intern(ip: string, port: number): AddressId
  retain(id: AddressId): boolean
  release(id: AddressId): boolean
  /** One datagram, at once. False when the socket is closed or the kernel refused it (counted). */
  send(socket: PoolSocketId, to: AddressId, bytes: Uint8Array): boolean
  /**
   * Many datagrams at once, in their order. `sends` holds `count` groups of POOL_SEND_FIELDS numbers: the socket, the
   * address, and where in `slab` the datagram begins and how many bytes it has. The socket becomes -1 where it was not
   * sent (counted as in `send`). The number sent.
   */
  sendMany(slab: Uint8Array, sends: Int32Array, count: number): number
  /** Of all sockets, closed ones included. */
  stats(): UdpStats
  /** Of one open socket. Throws GatewayError 'internal' for an id that is not open. */
  statsOf(socket: PoolSocketId): UdpStats
  /** The number of open sockets. */
  readonly size: number
  /** Its port is free at once. False when it was not open. */
  closeSocket(socket: PoolSocketId): boolean
  close(): void
}

/** A pool whose `open` has not yet put its errors in the gateway's terms. */
export interface RawPool extends Omit<UdpPool, 'open'> {
  openSocket(options: PoolSocketOptions): PoolSocketId
}

/** A stream of a PacedSender, never the id of a later one by mistake. */
export type PacedStreamId = number

/**
 * Sends packets at their deadlines from a thread of its own, however busy the event loop is. Deadlines are
 * microseconds of `performance.now()`, the time of core's clock. Packets of one stream leave in the order in which
 * they were queued, never before their deadline by more than half a millisecond; what is due already leaves at once.
 */
export interface PacedSender {
  /** `maxPackets` bounds the queue. Throws GatewayError 'internal' for a socket or address that is not there. */
  add(socket: PoolSocketId, to: AddressId, maxPackets?: number): PacedStreamId
  /** Where packets queued from now on go; queued ones keep their address. False when there is no such stream. */
  retarget(stream: PacedStreamId, socket: PoolSocketId, to: AddressId): boolean
  /** Copies the bytes, which are final (protected, if they are SRTP). False: queue full (counted), or no such stream. */
  queue(stream: PacedStreamId, dueUs: number, bytes: Uint8Array): boolean
  /** Drops what is queued, and tells how many packets that were. */
  flush(stream: PacedStreamId): number
  /** Packets of the stream that have not left yet. */
  queued(stream: PacedStreamId): number
  /** Drops what is queued, and forgets the stream. */
  remove(stream: PacedStreamId): void
  stats(): PacedStats
  /** Ends the thread; nothing leaves after it. */
  close(): void
}

export interface PacedStats {
  readonly sent: number
  /** Sent more than 5 ms after their deadline. */
  readonly late: number
  /** Not queued, because the stream's queue was full. */
  readonly refusedFull: number
  /** Dropped by `flush` and `remove`. */
  readonly flushed: number
  /** Dropped because the socket was closed or the kernel did not take them. */
  readonly refusedByKernel: number
  /** How long after their deadline packets left, since the start; within 12 %. */
  readonly latenessP50Us: number
  readonly latenessP99Us: number
  readonly latenessMaxUs: number
}
