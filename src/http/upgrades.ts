/** WebSockets on the gateway's HTTP server, behind the same guard as everything else. */
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket, WebSocketServer } from 'ws'
import type { Logger } from '../adapters/adapter.ts'
import type { SharedConfig } from '../config/schema.ts'
import { describeReason, reasonOf } from '../core/scope.ts'
import type { Scope } from '../core/types.ts'
import { GatewayError, toGatewayError } from '../errors.ts'
import { checkHost, checkOrigin, foreignOrigin, remoteAddress } from './guard.ts'
import { problem } from './problem.ts'

export interface UpgradeExchange {
  readonly request: Request
  /** IP address of the peer. */
  readonly remote: string
  /** Answers 101. Until then a refusal may be thrown. */
  accept(): Promise<WebSocket>
}
export type HandleUpgrade = (exchange: UpgradeExchange) => Promise<void>
export type Upgrades = ReadonlyMap<string, HandleUpgrade>

/** Nothing is expected of clients but control frames. */
const maxMessageBytes = 4096
/** Close code for an end of the server's own (RFC 6455 7.4.1). */
const goingAway = 1001

const toRequest = ({ url = '/', headers }: IncomingMessage): Request => {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one): [string, string] => [name, one]),
  )
  try {
    return new Request(new URL(url, `http://${headers.host}`), { headers: lines })
  } catch {
    throw new GatewayError('bad-request', 'the address cannot be read')
  }
}

/** CORS does not cover WebSockets: a foreign page is refused here, or it could read what its visitor may. */
const checkForeign = (request: Request, config: SharedConfig['http']): void => {
  checkHost(request, config)
  const origin = foreignOrigin(request)
  if (origin !== undefined && Object.keys(checkOrigin(request, config)).length === 0)
    throw new GatewayError('forbidden', `pages of ${origin} may not do this: list it in http.origins`)
}

const refuse = async (socket: Duplex, thrown: unknown): Promise<void> => {
  const response = problem(thrown)
  const body = await response.text()
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.end(
    `HTTP/1.1 ${response.status} \r\n${headers}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

/** Serves until the scope closes; open sockets are closed with its reason then. */
export const serveUpgrades = (
  server: Server,
  upgrades: Upgrades,
  config: SharedConfig['http'],
  scope: Scope,
  log: Logger,
): void => {
  let sockets: WebSocketServer | undefined
  const open = async (): Promise<WebSocketServer> => {
    const { WebSocketServer: Sockets } = await import('ws')
    sockets ??= new Sockets({ noServer: true, maxPayload: maxMessageBytes, perMessageDeflate: false })
    return sockets
  }
  const handle = async (incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const request = toRequest(incoming)
    checkForeign(request, config)
    const { pathname } = new URL(request.url)
    const route = upgrades.get(pathname)
    if (route === undefined) throw new GatewayError('not-found', `no WebSocket is at ${pathname}`)
    const accept = async (): Promise<WebSocket> => {
      const all = await open()
      return new Promise(resolve => all.handleUpgrade(incoming, socket, head, resolve))
    }
    await route({ request, remote: remoteAddress(incoming), accept })
  }
  server.on('upgrade', (incoming, socket, head) => {
    socket.on('error', () => socket.destroy())
    handle(incoming, socket, head).catch((thrown: unknown) => {
      const error = toGatewayError(thrown)
      if (error.code === 'internal') log.error({ err: thrown }, error.message)
      void refuse(socket, error)
    })
  })
  scope.defer(() => {
    const reason = describeReason(reasonOf(scope.signal)).slice(0, 100)
    for (const client of sockets?.clients ?? []) {
      client.close(goingAway, reason)
      client.terminate()
    }
  })
}
