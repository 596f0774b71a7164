import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { Clock } from '../../../core/types.ts'
import { GatewayError } from '../../../errors.ts'
import type { BoundAddress, ListenAddress, Target } from '../addresses.ts'
import { chooseDoor } from './choose-door.ts'
import type { ConnectionOptions } from './connected-flow.ts'
import { Connection } from './connection.ts'
import { type ClosableFlow, ConnectionTable } from './connection-table.ts'
import { type DialOptions, dial, dialWebSocket } from './dial.ts'
import type { Door, Flow, FlowEvents } from './flow.ts'
import { StreamDoor } from './tcp.ts'
import { type OpenDatagramPort, openUdpPort, UdpDoor } from './udp.ts'
import { WebSocketDoor, WebSocketFlow } from './websocket.ts'

export interface TransportsOptions {
  readonly clock: Clock
  readonly connections: number
  readonly connectionsPerSource: number
  readonly messageBytes: number
  readonly ca?: string | Buffer | undefined
  readonly rejectUnauthorized?: boolean | undefined
  readonly openUdpPort?: OpenDatagramPort | undefined
}

const maxWithoutTcp = 1000
const withoutTcpUs = 600_000_000

const isIPv6 = (ip: string): boolean => ip.includes(':')
/** All doors and connections: how messages get in, and the flow that leads to a target. */
export class Transports {
  readonly #options: TransportsOptions
  readonly #events: FlowEvents
  readonly #listen: readonly ListenAddress[]
  readonly #doors: Door[] = []
  readonly #table: ConnectionTable
  /** Connections being made, by target, so that two requests at once share one. */
  readonly #dialling = new Map<string, Promise<Flow>>()
  /** Peers that took no long request by TCP, and until when they are not asked again. */
  readonly #withoutTcp = new Map<string, number>()
  #closed = false

  private constructor(listen: readonly ListenAddress[], events: FlowEvents, options: TransportsOptions) {
    this.#listen = listen
    this.#options = options
    this.#table = new ConnectionTable(options.connections, options.connectionsPerSource)
    this.#events = {
      ...events,
      lost: (flow, reason) => {
        this.#table.remove(flow)
        events.lost(flow, reason)
      },
    }
  }

  /** Opens every door, or none. @throws GatewayError 'port-in-use', 'bad-config' */
  static async open(
    listen: readonly ListenAddress[],
    events: FlowEvents,
    options: TransportsOptions,
  ): Promise<Transports> {
    const transports = new Transports(listen, events, options)
    try {
      for (const [index, address] of listen.entries())
        transports.#doors.push(await transports.#open(index, address))
    } catch (error) {
      await transports.close()
      throw error
    }
    return transports
  }

  get addresses(): readonly BoundAddress[] {
    return this.#doors.map(door => door.bound)
  }

  get connections(): number {
    return this.#table.size
  }

  renew(door: number, certificate: NonNullable<ListenAddress['certificate']>): void {
    const it = this.#doors[door]
    if (it instanceof StreamDoor || it instanceof WebSocketDoor) it.renew(certificate)
  }

  /** The door that a request to `target` leaves by: the wanted one, if it fits; -1 when none does. */
  doorFor(target: Target, wanted: number | undefined): number {
    return chooseDoor(
      this.#doors.map(door => door.bound),
      target,
      wanted,
    )
  }

  /** A flow that leads to the target: at once over UDP or an open connection. Rejects when it cannot be connected. */
  flowTo(target: Target, wanted?: number): Flow | Promise<Flow> {
    const door = this.doorFor(target, wanted)
    if (target.transport !== 'udp') return this.#connection(target, door)
    const it = this.#doors[door]
    return it instanceof UdpDoor ? it.flow(target.ip, target.port) : this.#noDoor(target)
  }

  /** By TCP what is too long for a datagram (RFC 3261 18.1.1); undefined when the peer was found not to take it. */
  async longWay({ ip, port, name }: Target, wanted: number): Promise<Flow | undefined> {
    const key = `${ip} ${port}`
    const now = this.#options.clock.now()
    if ((this.#withoutTcp.get(key) ?? 0) > now) return undefined
    try {
      return await this.flowTo({ transport: 'tcp', ip, port, name }, wanted)
    } catch {
      if (this.#withoutTcp.size >= maxWithoutTcp) this.#withoutTcp.clear()
      this.#withoutTcp.set(key, now + withoutTcpUs)
      return undefined
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#table.closeAll('shutdown')
    await Promise.all(this.#doors.map(door => door.close()))
  }

  async #noDoor(target: Target): Promise<never> {
    const family = isIPv6(target.ip) ? 'IPv6' : 'IPv4'
    throw new GatewayError('connect-failed', `no ${target.transport} address is listened on with ${family}`)
  }

  #open(index: number, address: ListenAddress): Promise<Door> {
    const { connections, messageBytes } = this.#options
    if (address.transport === 'udp') {
      return UdpDoor.open(index, address, this.#events, this.#options.openUdpPort ?? openUdpPort)
    }
    if (address.transport === 'tcp' || address.transport === 'tls') {
      return StreamDoor.open(address, connections, (socket, bound) => this.#accept(socket, index, bound))
    }
    return WebSocketDoor.open(
      address,
      { connections, messageBytes },
      (socket, remote, bound) => this.#acceptWebSocket(socket, remote, index, bound),
      (why, remote, local) => this.#events.garbage(why, { transport: local.transport, ...remote, local }),
    )
  }

  #connectionOptions(door: number, local: BoundAddress, verified?: string): ConnectionOptions {
    const { clock, messageBytes } = this.#options
    return {
      clock,
      events: this.#events,
      maxBytes: messageBytes,
      transport: local.transport,
      door,
      local,
      verified,
    }
  }

  #accept(socket: Socket, door: number, bound: BoundAddress): void {
    socket.on('error', () => undefined)
    const flow = new Connection(socket, this.#connectionOptions(door, bound))
    this.#admit(flow)
  }

  #acceptWebSocket(
    socket: WebSocket,
    remote: { ip: string; port: number },
    door: number,
    bound: BoundAddress,
  ): void {
    this.#admit(new WebSocketFlow(socket, remote, this.#connectionOptions(door, bound)))
  }

  #admit(flow: ClosableFlow): void {
    const refusal = this.#table.refusal(flow.ip)
    if (refusal === undefined) this.#table.add(flow)
    else {
      this.#events.garbage(refusal, flow)
      flow.close(refusal)
    }
  }

  #connection(target: Target, door: number): Flow | Promise<Flow> {
    const existing = this.#table.find(target)
    if (existing !== undefined) return existing
    const key = `${target.transport} ${target.ip} ${target.port} ${target.name}`
    const dialling = this.#dialling.get(key) ?? this.#dial(target, door)
    this.#dialling.set(key, dialling)
    const forget = (): void => void this.#dialling.delete(key)
    dialling.then(forget, forget)
    return dialling
  }

  async #dial(target: Target, door: number): Promise<Flow> {
    if (this.#table.size >= this.#options.connections) {
      throw new GatewayError('busy', `all ${this.#options.connections} SIP connections are taken`)
    }
    const { transport } = target
    const isWebSocket = transport === 'ws' || transport === 'wss'
    const flow = await (isWebSocket ? this.#dialWebSocket(target, door) : this.#dialStream(target, door))
    if (this.#closed) {
      flow.close('shutdown')
      throw new GatewayError('shutdown')
    }
    this.#table.add(flow)
    return flow
  }

  async #dialStream(target: Target, door: number): Promise<Connection> {
    const socket = await dial(target, this.#dialOptions(door))
    const local = this.#localOf(door, target, socket)
    return new Connection(socket, this.#connectionOptions(door, local, target.name))
  }

  async #dialWebSocket(target: Target, door: number): Promise<WebSocketFlow> {
    const options = { ...this.#dialOptions(door), maxBytes: this.#options.messageBytes }
    const { socket, connection } = await dialWebSocket(target, options)
    const local = this.#localOf(door, target, connection)
    return new WebSocketFlow(socket, target, this.#connectionOptions(door, local, target.name))
  }

  #dialOptions(door: number): DialOptions {
    const { ca, rejectUnauthorized } = this.#options
    return { ca, rejectUnauthorized, certificate: this.#listen[door]?.certificate }
  }

  /** The door that it belongs to, else where it comes from itself. */
  #localOf(door: number, { transport }: Target, { localAddress = '', localPort = 0 }: Socket): BoundAddress {
    const oursOnly = this.#doors.every(({ bound }) => bound.oursOnly)
    const own = { transport, host: localAddress, port: localPort, ...(oursOnly && { oursOnly }) }
    return this.#doors[door]?.bound ?? own
  }
}
