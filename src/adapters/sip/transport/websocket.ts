import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { isIP } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { GatewayError } from '../../../errors.ts'
import type { BoundAddress, ListenAddress } from '../addresses.ts'
import { ipOfHost } from '../message/uri.ts'
import { boundAddress } from './bound-address.ts'
import { ConnectedFlow, type ConnectionOptions, plainIp, type Remote } from './connected-flow.ts'
import type { Door } from './flow.ts'
import { listenOn } from './tcp.ts'

/** One WebSocket connection: each of its messages is one SIP message (RFC 7118 5). */
export class WebSocketFlow extends ConnectedFlow {
  readonly #socket: WebSocket

  constructor(socket: WebSocket, remote: Remote, options: ConnectionOptions) {
    super(remote, options)
    this.#socket = socket
    socket.on('message', (data: Buffer) => {
      // CRLF is a keep-alive here too (RFC 7118 6).
      if (data.length > 4) this.events.message(data, this)
    })
    socket.on('error', error => this.close(error.message))
    socket.on('close', () => this.close('the peer closed the connection'))
  }

  protected get unsentBytes(): number {
    return this.#socket.bufferedAmount
  }

  protected write(bytes: Buffer): void {
    this.#socket.send(bytes, { binary: false })
  }

  protected destroy(): void {
    this.#socket.terminate()
  }
}

const remoteOf = ({ socket: { remoteAddress, remotePort = 0 } }: IncomingMessage): Remote => {
  return { ip: plainIp(remoteAddress), port: remotePort }
}

const createHttpServer = ({ transport, certificate }: ListenAddress): Server => {
  const refuse = (_request: unknown, response: { writeHead(code: number): { end(): void } }): void => {
    response.writeHead(426).end()
  }
  if (transport === 'ws') return createServer(refuse)
  if (certificate === undefined) throw new GatewayError('bad-config', 'a wss address needs a certificate')
  return createSecureServer({ ...certificate, minVersion: 'TLSv1.2' }, refuse)
}

/** Any page that a browser shows could call in the name of whoever sits there, but for what we check here. */
const mayConnect = (origin: string, host: string, origins: readonly string[]): boolean => {
  if (origins.includes(origin) || origins.includes('*')) return true
  if (!URL.canParse(origin)) return false
  const { hostname } = new URL(origin)
  // Of a name only DNS says that it is ours, and DNS may be the attacker's.
  const isAddress = hostname === 'localhost' || isIP(ipOfHost(hostname)) !== 0
  return isAddress && URL.canParse(`ws://${host}`) && new URL(`ws://${host}`).hostname === hostname
}

/** Why a connection is not taken; undefined: it is. */
const refusalOf = (
  { headers }: IncomingMessage,
  { origins = [] }: ListenAddress,
): readonly [code: number, why: string] | undefined => {
  const { origin, host = '' } = headers
  if (!/(?:^|,)\s*sip\s*(?:,|$)/i.test(headers['sec-websocket-protocol'] ?? ''))
    return [400, 'the subprotocol is not sip']
  if (origin === undefined || mayConnect(origin, host, origins)) return undefined
  return [
    403,
    `pages of ${origin.slice(0, 100)} may not connect: list it in origins of the door if they should`,
  ]
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
    accept: (socket: WebSocket, remote: Remote, bound: BoundAddress) => void,
    refused: (why: string, remote: Remote, bound: BoundAddress) => void,
  ): Promise<WebSocketDoor> {
    const http = createHttpServer(address)
    http.maxConnections = limits.connections
    const sockets = new WebSocketServer({
      server: http,
      maxPayload: limits.messageBytes,
      perMessageDeflate: false,
      verifyClient: ({ req }, taken) => {
        const [code, why = ''] = refusalOf(req, address) ?? []
        if (code !== undefined) refused(why, remoteOf(req), door.bound)
        taken(code === undefined, code, why)
      },
      handleProtocols: () => 'sip',
    })
    sockets.on('connection', (socket, request) => {
      accept(socket, remoteOf(request), door.bound)
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
