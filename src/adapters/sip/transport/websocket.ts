import { createServer, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type WebSocket, WebSocketServer } from 'ws'
import { GatewayError } from '../../../errors.ts'
import type { BoundAddress, ListenAddress, TransportKind } from '../addresses.ts'
import { boundAddress } from './bound-address.ts'
import { type ConnectionOptions, plainIp } from './connection.ts'
import type { Door, Flow, FlowEvents } from './flow.ts'
import { listenOn } from './tcp.ts'

const maxUnsentBytes = 1 << 20

/** One WebSocket connection: each of its messages is one SIP message (RFC 7118 5). */
export class WebSocketFlow implements Flow {
  readonly transport: TransportKind
  readonly reliable = true
  readonly ip: string
  readonly port: number
  readonly door: number
  readonly local: BoundAddress
  readonly #socket: WebSocket
  readonly #events: FlowEvents
  #open = true

  constructor(socket: WebSocket, remote: { ip: string; port: number }, options: ConnectionOptions) {
    this.#socket = socket
    this.#events = options.events
    this.transport = options.transport
    this.door = options.door
    this.local = options.local
    this.ip = remote.ip
    this.port = remote.port
    socket.on('message', (data: Buffer) => {
      // CRLF is a keep-alive here too (RFC 7118 6).
      if (data.length > 4) this.#events.message(data, this)
    })
    socket.on('error', error => this.close(error.message))
    socket.on('close', () => this.close('the peer closed the connection'))
  }

  get open(): boolean {
    return this.#open
  }

  send(bytes: Buffer): void {
    if (!this.#open) return
    if (this.#socket.bufferedAmount > maxUnsentBytes) this.close('the peer does not read')
    else {
      this.#events.sent(bytes, this)
      this.#socket.send(bytes, { binary: false })
    }
  }

  close(reason: string): void {
    if (!this.#open) return
    this.#open = false
    this.#socket.terminate()
    this.#events.lost(this, reason)
  }
}

const createHttpServer = ({ transport, certificate }: ListenAddress): Server => {
  const refuse = (_request: unknown, response: { writeHead(code: number): { end(): void } }): void => {
    response.writeHead(426).end()
  }
  if (transport === 'ws') return createServer(refuse)
  if (certificate === undefined) throw new GatewayError('bad-config', 'a wss address needs a certificate')
  return createSecureServer({ ...certificate, minVersion: 'TLSv1.2' }, refuse)
}

/** Accepts WebSocket connections of the subprotocol `sip`. */
export class WebSocketDoor implements Door {
  readonly bound: BoundAddress
  readonly #http: Server
  readonly #sockets: WebSocketServer

  private constructor(bound: BoundAddress, http: Server, sockets: WebSocketServer) {
    this.bound = bound
    this.#http = http
    this.#sockets = sockets
  }

  /** @throws GatewayError 'port-in-use', 'bad-config' */
  static async open(
    address: ListenAddress,
    limits: { readonly connections: number; readonly messageBytes: number },
    accept: (socket: WebSocket, remote: { ip: string; port: number }, bound: BoundAddress) => void,
  ): Promise<WebSocketDoor> {
    const http = createHttpServer(address)
    http.maxConnections = limits.connections
    const sockets = new WebSocketServer({
      server: http,
      maxPayload: limits.messageBytes,
      perMessageDeflate: false,
      verifyClient: ({ req }: { req: { headers: NodeJS.Dict<string | string[]> } }) =>
        /(?:^|,)\s*sip\s*(?:,|$)/i.test(String(req.headers['sec-websocket-protocol'] ?? '')),
      handleProtocols: () => 'sip',
    })
    sockets.on('connection', (socket, request) => {
      const { remoteAddress, remotePort } = request.socket
      accept(socket, { ip: plainIp(remoteAddress), port: remotePort ?? 0 }, door.bound)
    })
    const door: WebSocketDoor = new WebSocketDoor(
      boundAddress(address, await listenOn(http, address)),
      http,
      sockets,
    )
    return door
  }

  renew(certificate: NonNullable<ListenAddress['certificate']>): void {
    ;(this.#http as unknown as { setSecureContext(pair: object): void }).setSecureContext(certificate)
  }

  close(): Promise<void> {
    this.#sockets.close()
    this.#http.closeAllConnections()
    return new Promise(resolve => this.#http.close(() => resolve()))
  }
}
