import { GatewayError } from '../errors.ts'
import { AddressTable } from './address-table.ts'
import { DgramSocket, SLOT_BYTES } from './dgram-socket.ts'
import {
  type AddressId,
  POOL_SEND_FIELDS,
  POOL_SLOT_MASK,
  type PoolBatch,
  type PoolSocketId,
  type PoolSocketOptions,
  type RawPool,
  type UdpAddress,
  type UdpStats,
} from './types.ts'

const TRANSIENT_ADDRESSES = 8192
const SLOT_BITS = 20
const GENERATIONS = 0x7ff

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

const addTo = (total: Mutable<UdpStats>, more: UdpStats): void => {
  for (const name of Object.keys(more) as (keyof UdpStats)[]) total[name] += more[name]
}

/** The UdpPool of systems without epoll: one node:dgram socket each, one datagram a batch. */
class DgramPool implements RawPool {
  readonly #addresses = new AddressTable(TRANSIENT_ADDRESSES)
  readonly #sockets = new Map<PoolSocketId, DgramSocket>()
  /** Ids that may be given next: closed ones, a generation on. */
  readonly #free: PoolSocketId[] = []
  readonly #closed: Mutable<UdpStats> = {
    received: 0,
    receiveTruncated: 0,
    sent: 0,
    sendErrors: 0,
    sendWouldBlock: 0,
    receiveOverflows: 0,
  }
  #listener: ((batch: PoolBatch) => void) | undefined
  #open = true
  readonly #batch = {
    count: 1,
    slab: Buffer.alloc(SLOT_BYTES),
    offsets: new Int32Array(1),
    lengths: new Int32Array(1),
    from: new Int32Array(1),
    sockets: new Int32Array(1),
    arrivedUs: new Float64Array(1),
  }

  get size(): number {
    return this.#sockets.size
  }

  openSocket(options: PoolSocketOptions): PoolSocketId {
    if (!this.#open) throw new GatewayError('closed')
    const id = this.#free.at(-1) ?? this.#sockets.size
    const socket = new DgramSocket(options, (bytes, ip, port) => this.#receive(id, bytes, ip, port))
    this.#free.pop()
    this.#sockets.set(id, socket)
    return id
  }

  #receive(id: PoolSocketId, bytes: Buffer, ip: string, port: number): void {
    const socket = this.#sockets.get(id)
    if (socket === undefined || this.#listener === undefined) return
    socket.stats.received++
    bytes.copy(this.#batch.slab)
    this.#batch.lengths[0] = bytes.length
    this.#batch.from[0] = this.#addresses.intern(ip, port)
    this.#batch.sockets[0] = id
    this.#batch.arrivedUs[0] = performance.now() * 1000
    this.#listener(this.#batch)
  }

  #socketOf(id: PoolSocketId): DgramSocket {
    const socket = this.#sockets.get(id)
    if (socket === undefined) throw new GatewayError('internal', `there is no socket with the id ${id}`)
    return socket
  }

  addressOfSocket(id: PoolSocketId): UdpAddress {
    return this.#socketOf(id).address
  }

  onBatch(listener: (batch: PoolBatch) => void): void {
    this.#listener = listener
  }

  addressOf(id: AddressId): UdpAddress {
    return this.#addresses.addressOf(id)
  }

  intern(ip: string, port: number): AddressId {
    return this.#addresses.internNumeric(ip, port)
  }

  retain(id: AddressId): boolean {
    return this.#addresses.retain(id)
  }

  release(id: AddressId): boolean {
    return this.#addresses.release(id)
  }

  send(id: PoolSocketId, to: AddressId, bytes: Uint8Array): boolean {
    const address = this.#addresses.addressOf(to)
    return this.#sockets.get(id)?.send(address, bytes) ?? false
  }

  sendMany(slab: Uint8Array, sends: Int32Array, count: number): number {
    let sent = 0
    for (let at = 0; at < count * POOL_SEND_FIELDS; at += POOL_SEND_FIELDS) {
      const [socket, to, offset, length] = sends.subarray(at, at + POOL_SEND_FIELDS)
      if (this.send(socket!, to!, slab.subarray(offset!, offset! + length!))) sent++
      else sends[at] = -1
    }
    return sent
  }

  stats(): UdpStats {
    const total = { ...this.#closed }
    for (const socket of this.#sockets.values()) addTo(total, socket.stats)
    return total
  }

  statsOf(id: PoolSocketId): UdpStats {
    return { ...this.#socketOf(id).stats }
  }

  closeSocket(id: PoolSocketId): boolean {
    const socket = this.#sockets.get(id)
    if (socket === undefined) return false
    socket.close()
    addTo(this.#closed, socket.stats)
    this.#sockets.delete(id)
    this.#free.push((id & POOL_SLOT_MASK) | ((((id >> SLOT_BITS) + 1) & GENERATIONS) << SLOT_BITS))
    return true
  }

  close(): void {
    this.#open = false
    for (const id of [...this.#sockets.keys()]) this.closeSocket(id)
  }
}

export const createDgramPool = (): RawPool => new DgramPool()
