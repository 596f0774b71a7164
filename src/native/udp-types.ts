/** One UDP socket, read and written in batches. */

/**
 * A peer's IP address and port, interned by the socket: a small integer that indexes arrays. Only a retained id stays
 * what it is; any other is good until the next batch or `intern`, and may then be given to another address.
 */
export type AddressId = number

export interface UdpAddress {
  readonly ip: string
  readonly port: number
}

/**
 * Datagrams read in one go. `slab` and the arrays are reused by the next batch: whoever keeps bytes copies them.
 * Datagram i lies in slab[offsets[i], offsets[i] + lengths[i]) and came from address from[i].
 */
export interface DatagramBatch {
  readonly count: number
  readonly slab: Buffer
  readonly offsets: Int32Array
  readonly lengths: Int32Array
  readonly from: Int32Array
}

export interface UdpSocketOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** SO_RCVBUF / SO_SNDBUF asked for; what the kernel granted is in the socket. */
  readonly receiveBufferBytes?: number
  readonly sendBufferBytes?: number
}

export interface UdpSocket {
  readonly host: string
  readonly port: number
  readonly receiveBufferBytes: number
  readonly sendBufferBytes: number
  /** Called synchronously for each batch. One listener. */
  onBatch(listener: (batch: DatagramBatch) => void): void
  addressOf(id: AddressId): UdpAddress
  intern(ip: string, port: number): AddressId
  /**
   * Keeps an id from being recycled, for peers that proved themselves (ICE). Counted: as many `release` as `retain`.
   * Clear what you keep under an id before you release it. False when there is no such id.
   */
  retain(id: AddressId): boolean
  release(id: AddressId): boolean
  /** One datagram, at once. Returns false when the kernel refused it (counted in stats). */
  send(to: AddressId, bytes: Uint8Array): boolean
  /** Several datagrams to one peer in one system call. */
  sendMany(to: AddressId, datagrams: readonly Uint8Array[]): number
  stats(): UdpStats
  close(): void
}

export interface UdpStats {
  readonly received: number
  /** Larger than the slot of a batch (2048 bytes), dropped. */
  readonly receiveTruncated: number
  readonly sent: number
  /** Datagrams the kernel did not take, by cause. */
  readonly sendErrors: number
  readonly sendWouldBlock: number
  /** Dropped by the kernel because we read too late (SO_RXQ_OVFL). */
  readonly receiveOverflows: number
}
