import { createSocket, type Socket } from 'node:dgram'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { withoutMapping } from './address-table.ts'
import type { PoolSocketOptions, UdpAddress, UdpStats } from './types.ts'

export const SLOT_BYTES = 2048
/** What dgram may hold back when the kernel takes no more; beyond it datagrams are dropped, as on a full socket. */
const MAX_QUEUED_BYTES = 4 * 1024 * 1024

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Addresses are numeric already. Answering at once also makes `bind` take effect at once, so the port is known. */
const lookup = (
  host: string,
  _options: unknown,
  answer: (error: null, ip: string, family: number) => void,
): void => answer(null, host, isIP(host))

const refuse = (code: string, message: string): never => {
  throw Object.assign(new Error(message), { code })
}

/** In dgram's notation: the address of the interface for IPv4, `::%name` for IPv6. */
const interfaceFor = (nameOrAddress: string, group: string): string => {
  const family = isIP(group) === 6 ? 'IPv6' : 'IPv4'
  for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
    const own = addresses.find(({ address }) => name === nameOrAddress || address === nameOrAddress)
    const usable = addresses.find(address => address.family === family)
    if (own !== undefined && usable !== undefined) return family === 'IPv6' ? `::%${name}` : usable.address
  }
  return refuse('ENODEV', `there is no network interface '${nameOrAddress}'`)
}

const joinGroup = (
  socket: Socket,
  { group, interface: name, source }: PoolSocketOptions['join'] & object,
) => {
  const by = name === undefined ? undefined : interfaceFor(name, group)
  if (source === undefined) socket.addMembership(group, by)
  else socket.addSourceSpecificMembership(source, group, by)
}

const configureMulticast = (socket: Socket, { host, join, multicast }: PoolSocketOptions): void => {
  if (join !== undefined) joinGroup(socket, join)
  if (multicast?.ttl !== undefined) socket.setMulticastTTL(multicast.ttl)
  if (multicast?.interface !== undefined)
    socket.setMulticastInterface(interfaceFor(multicast.interface, host))
}

const bind = (options: PoolSocketOptions): Socket => {
  const socket = createSocket({
    type: isIP(options.host) === 6 ? 'udp6' : 'udp4',
    lookup,
    reuseAddr: options.reuse ?? false,
    ...(options.receiveBufferBytes !== undefined && { recvBufferSize: options.receiveBufferBytes }),
    ...(options.sendBufferBytes !== undefined && { sendBufferSize: options.sendBufferBytes }),
  })
  let failure: unknown
  socket.on('error', error => {
    failure = error
  })
  try {
    socket.bind({ address: options.host, port: options.port, exclusive: true })
    if (failure === undefined) configureMulticast(socket, options)
  } catch (thrown) {
    failure = thrown
  }
  if (failure === undefined) return socket
  socket.close()
  throw failure
}

/** One socket of node:dgram that counts as the addon's sockets do. */
export class DgramSocket {
  readonly address: UdpAddress
  readonly receiveBufferBytes: number
  readonly sendBufferBytes: number
  readonly stats: Mutable<UdpStats> = {
    received: 0,
    receiveTruncated: 0,
    sent: 0,
    sendErrors: 0,
    sendWouldBlock: 0,
    receiveOverflows: 0,
  }
  readonly #socket: Socket
  #open = true
  readonly #onSent = (error: Error | null): void => {
    if (error === null) this.stats.sent++
    else this.stats.sendErrors++
  }

  /** Throws what `bind` throws (EADDRINUSE and the like). `receive` gets what fits a slot. */
  constructor(options: PoolSocketOptions, receive: (bytes: Buffer, ip: string, port: number) => void) {
    this.#socket = bind(options)
    this.address = { ip: options.host, port: this.#socket.address().port }
    this.receiveBufferBytes = this.#socket.getRecvBufferSize()
    this.sendBufferBytes = this.#socket.getSendBufferSize()
    this.#socket.on('message', (bytes, from) => {
      if (bytes.length > SLOT_BYTES) this.stats.receiveTruncated++
      else receive(bytes, withoutMapping(from.address), from.port)
    })
  }

  send({ ip, port }: UdpAddress, bytes: Uint8Array): boolean {
    const own = isIP(this.address.ip)
    if (!this.#open || (own === 4 && isIP(ip) === 6)) {
      this.stats.sendErrors++
      return false
    }
    if (this.#socket.getSendQueueSize() > MAX_QUEUED_BYTES) {
      this.stats.sendWouldBlock++
      return false
    }
    // dgram may keep the bytes until the kernel takes them, and the caller may write into them at once.
    const host = own === 6 && isIP(ip) === 4 ? `::ffff:${ip}` : ip
    this.#socket.send(Buffer.from(bytes), port, host, this.#onSent)
    return true
  }

  close(): void {
    if (this.#open) this.#socket.close()
    this.#open = false
  }
}
