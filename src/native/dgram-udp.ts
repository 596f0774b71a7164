import { createSocket, type Socket } from 'node:dgram'
import { isIP } from 'node:net'
import { AddressTable } from './address-table.ts'
import type { AddressId, DatagramBatch, UdpSocket, UdpSocketOptions, UdpStats } from './types.ts'

const TRANSIENT_ADDRESSES = 4096
const SLOT_BYTES = 2048
/** What dgram may hold back when the kernel takes no more; beyond it datagrams are dropped, as on a full socket. */
const MAX_QUEUED_BYTES = 4 * 1024 * 1024

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Addresses are numeric already. Answering at once also makes `bind` take effect at once, so the port is known. */
const lookup = (
  host: string,
  _options: unknown,
  answer: (error: null, ip: string, family: number) => void,
): void => answer(null, host, isIP(host))

const withoutMapping = (ip: string): string =>
  ip.startsWith('::ffff:') && ip.includes('.') ? ip.slice(7) : ip

const bind = (options: UdpSocketOptions): Socket => {
  const socket = createSocket({
    type: isIP(options.host) === 6 ? 'udp6' : 'udp4',
    lookup,
    ...(options.receiveBufferBytes !== undefined && { recvBufferSize: options.receiveBufferBytes }),
    ...(options.sendBufferBytes !== undefined && { sendBufferSize: options.sendBufferBytes }),
  })
  let failure: Error | undefined
  socket.on('error', error => {
    failure = error
  })
  socket.bind({ address: options.host, port: options.port, exclusive: true })
  if (failure === undefined) return socket
  socket.close()
  throw failure
}

/** The UdpSocket of systems without the batch system calls: node:dgram, one datagram a batch. */
class DgramUdp implements UdpSocket {
  readonly host: string
  readonly port: number
  readonly receiveBufferBytes: number
  readonly sendBufferBytes: number
  readonly #socket: Socket
  readonly #addresses = new AddressTable(TRANSIENT_ADDRESSES)
  readonly #stats: Mutable<UdpStats> = {
    received: 0,
    receiveTruncated: 0,
    sent: 0,
    sendErrors: 0,
    sendWouldBlock: 0,
    receiveOverflows: 0,
  }
  #open = true
  #listener: ((batch: DatagramBatch) => void) | undefined
  readonly #batch = {
    count: 1,
    slab: Buffer.alloc(SLOT_BYTES),
    offsets: new Int32Array(1),
    lengths: new Int32Array(1),
    from: new Int32Array(1),
  }
  readonly #onSent = (error: Error | null): void => {
    if (error === null) this.#stats.sent++
    else this.#stats.sendErrors++
  }

  constructor(options: UdpSocketOptions) {
    this.#socket = bind(options)
    this.host = options.host
    this.port = this.#socket.address().port
    this.receiveBufferBytes = this.#socket.getRecvBufferSize()
    this.sendBufferBytes = this.#socket.getSendBufferSize()
    this.#socket.on('message', (bytes, from) => this.#receive(bytes, from.address, from.port))
  }

  onBatch(listener: (batch: DatagramBatch) => void): void {
    this.#listener = listener
  }

  #receive(bytes: Buffer, ip: string, port: number): void {
    if (this.#listener === undefined) return
    if (bytes.length > SLOT_BYTES) {
      this.#stats.receiveTruncated++
      return
    }
    this.#stats.received++
    bytes.copy(this.#batch.slab)
    this.#batch.lengths[0] = bytes.length
    this.#batch.from[0] = this.#addresses.intern(withoutMapping(ip), port)
    this.#listener(this.#batch)
  }

  addressOf(id: AddressId) {
    return this.#addresses.addressOf(id)
  }

  intern(ip: string, port: number): AddressId {
    if (isIP(ip) === 0 || !Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new RangeError(`'${ip}' port ${port} is not an address`)
    }
    return this.#addresses.intern(withoutMapping(ip), port)
  }

  retain(id: AddressId): boolean {
    return this.#addresses.retain(id)
  }

  release(id: AddressId): boolean {
    return this.#addresses.release(id)
  }

  send(to: AddressId, bytes: Uint8Array): boolean {
    const { ip, port } = this.#addresses.addressOf(to)
    const mapped = isIP(this.host) === 6 && isIP(ip) === 4
    if (!this.#open || (isIP(this.host) === 4 && isIP(ip) === 6)) {
      this.#stats.sendErrors++
      return false
    }
    if (this.#socket.getSendQueueSize() > MAX_QUEUED_BYTES) {
      this.#stats.sendWouldBlock++
      return false
    }
    // dgram may keep the bytes until the kernel takes them, and the caller may write into them at once.
    this.#socket.send(Buffer.from(bytes), port, mapped ? `::ffff:${ip}` : ip, this.#onSent)
    return true
  }

  sendMany(to: AddressId, datagrams: readonly Uint8Array[]): number {
    return datagrams.reduce((sent, datagram) => sent + (this.send(to, datagram) ? 1 : 0), 0)
  }

  stats(): UdpStats {
    return { ...this.#stats }
  }

  close(): void {
    if (this.#open) this.#socket.close()
    this.#open = false
  }
}

/** Throws what `bind` throws (EADDRINUSE and the like). `host` is a numeric address. */
export const openDgramUdp = (options: UdpSocketOptions): UdpSocket => new DgramUdp(options)
