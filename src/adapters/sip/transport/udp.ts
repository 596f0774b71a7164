import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { GatewayError } from '../../../errors.ts'
import type { BoundAddress, ListenAddress } from '../addresses.ts'
import { boundAddress } from './bound-address.ts'
import type { Door, Flow, FlowEvents } from './flow.ts'

/** A datagram socket, or what stands for one in a test. */
export interface DatagramPort {
  readonly port: number
  /** `failed` is called when the system does not take it: no route, too long. */
  send(bytes: Buffer, port: number, ip: string, failed: (reason: string) => void): void
  onDatagram(listener: (bytes: Buffer, ip: string, port: number) => void): void
  close(): Promise<void>
}
export type OpenDatagramPort = (host: string, port: number) => Promise<DatagramPort>

/** Room for a burst of a few thousand messages; the kernel grants what it may. */
const bufferBytes = 4 << 20

const bind = (socket: Socket, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once('error', error => {
      reject(new GatewayError('port-in-use', `udp ${host}:${port}: ${error.message}`, { cause: error }))
    })
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.removeAllListeners('error')
      // What the network says later of single datagrams (a port that is closed) is no fault of the socket.
      socket.on('error', () => undefined)
      resolve()
    })
  })

/** @throws GatewayError 'port-in-use' */
export const openUdpPort: OpenDatagramPort = async (host, port) => {
  const socket = createSocket({
    ...(isIPv6(host) ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' }),
    recvBufferSize: bufferBytes,
    sendBufferSize: bufferBytes,
  })
  await bind(socket, host, port)
  return {
    port: socket.address().port,
    send: (bytes, toPort, ip, failed) => {
      // An SRV record may say 0, which the socket takes for a fault of the program.
      if (toPort === 0) {
        setImmediate(failed, 'port 0')
        return
      }
      socket.send(bytes, toPort, ip, error => {
        if (error !== null) failed(error.message)
      })
    },
    onDatagram: listener => {
      socket.on('message', (bytes, from) => listener(bytes, from.address, from.port))
    },
    // Node.js looks up even what is an address, one tick later: what was sent in this one leaves first.
    close: () => new Promise(resolve => setImmediate(() => socket.close(() => resolve()))),
  }
}

class UdpFlow implements Flow {
  readonly transport = 'udp'
  readonly reliable = false
  readonly open = true
  readonly ip: string
  readonly port: number
  readonly #door: UdpDoor

  constructor(door: UdpDoor, ip: string, port: number) {
    this.#door = door
    this.ip = ip
    this.port = port
  }

  get door(): number {
    return this.#door.index
  }

  get local(): BoundAddress {
    return this.#door.bound
  }

  send(bytes: Buffer): void {
    this.#door.send(bytes, this)
  }
}

export class UdpDoor implements Door {
  readonly index: number
  readonly bound: BoundAddress
  readonly #socket: DatagramPort
  readonly #events: FlowEvents
  #closed = false

  private constructor(index: number, bound: BoundAddress, socket: DatagramPort, events: FlowEvents) {
    this.#events = events
    this.index = index
    this.bound = bound
    this.#socket = socket
  }

  /** @throws GatewayError 'port-in-use' */
  static async open(
    index: number,
    address: ListenAddress,
    events: FlowEvents,
    openPort: OpenDatagramPort,
  ): Promise<UdpDoor> {
    const socket = await openPort(address.host, address.port)
    const door = new UdpDoor(index, boundAddress(address, socket.port), socket, events)
    socket.onDatagram((bytes, ip, port) => {
      // Line ends and zeros keep a NAT binding open (RFC 5626 4.4, and what phones send instead).
      if (bytes.length <= 4 || bytes[0] === 0) return
      events.message(bytes, door.flow(ip, port))
    })
    return door
  }

  flow(ip: string, port: number): Flow {
    return new UdpFlow(this, ip, port)
  }

  send(bytes: Buffer, to: Flow): void {
    if (this.#closed) return
    this.#events.sent(bytes, to)
    this.#socket.send(bytes, to.port, to.ip, reason => this.#events.lost(to, reason))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#socket.close()
  }
}
