import { AddressTable } from './address-table.ts'
import { DgramSocket, SLOT_BYTES } from './dgram-socket.ts'
import type { AddressId, DatagramBatch, UdpSocket, UdpSocketOptions, UdpStats } from './types.ts'

const TRANSIENT_ADDRESSES = 4096

/** The UdpSocket of systems without the batch system calls: node:dgram, one datagram a batch. */
class DgramUdp implements UdpSocket {
  readonly host: string
  readonly port: number
  readonly receiveBufferBytes: number
  readonly sendBufferBytes: number
  readonly #socket: DgramSocket
  readonly #addresses = new AddressTable(TRANSIENT_ADDRESSES)
  #listener: ((batch: DatagramBatch) => void) | undefined
  readonly #batch = {
    count: 1,
    slab: Buffer.alloc(SLOT_BYTES),
    offsets: new Int32Array(1),
    lengths: new Int32Array(1),
    from: new Int32Array(1),
  }

  constructor(options: UdpSocketOptions) {
    this.#socket = new DgramSocket(options, (bytes, ip, port) => this.#receive(bytes, ip, port))
    this.host = options.host
    this.port = this.#socket.address.port
    this.receiveBufferBytes = this.#socket.receiveBufferBytes
    this.sendBufferBytes = this.#socket.sendBufferBytes
  }

  onBatch(listener: (batch: DatagramBatch) => void): void {
    this.#listener = listener
  }

  #receive(bytes: Buffer, ip: string, port: number): void {
    if (this.#listener === undefined) return
    this.#socket.stats.received++
    bytes.copy(this.#batch.slab)
    this.#batch.lengths[0] = bytes.length
    this.#batch.from[0] = this.#addresses.intern(ip, port)
    this.#listener(this.#batch)
  }

  addressOf(id: AddressId) {
    return this.#addresses.addressOf(id)
  }

  /** Throws RangeError for what is no numeric address and port. */
  intern(ip: string, port: number): AddressId {
    return this.#addresses.internNumeric(ip, port)
  }

  retain(id: AddressId): boolean {
    return this.#addresses.retain(id)
  }

  release(id: AddressId): boolean {
    return this.#addresses.release(id)
  }

  send(to: AddressId, bytes: Uint8Array): boolean {
    return this.#socket.send(this.#addresses.addressOf(to), bytes)
  }

  sendMany(to: AddressId, datagrams: readonly Uint8Array[]): number {
    return datagrams.reduce((sent, datagram) => sent + (this.send(to, datagram) ? 1 : 0), 0)
  }

  stats(): UdpStats {
    return { ...this.#socket.stats }
  }

  close(): void {
    this.#socket.close()
  }
}

/** Throws what `bind` throws (EADDRINUSE and the like). `host` is a numeric address. */
export const openDgramUdp = (options: UdpSocketOptions): UdpSocket => new DgramUdp(options)
