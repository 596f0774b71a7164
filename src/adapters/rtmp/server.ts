import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { closable, reasonOf } from '../../core/scope.ts'
import type { Scope } from '../../core/types.ts'
import { GatewayError } from '../../errors.ts'
import { openCertificate } from '../../tls/certificate.ts'
import type { AdapterContext, Listener } from '../adapter.ts'
import type { RtmpConfig } from './config.ts'
import { RtmpPeer } from './peer.ts'

const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }

type Serve = (socket: Socket) => void

/** What both doors lead to. */
const createPeers = (context: AdapterContext, config: RtmpConfig, scope: Scope): Serve => {
  const { log } = context
  const peers = new Map<Socket, RtmpPeer>()
  const goodBye = (): void => {
    for (const peer of peers.values()) peer.close(reasonOf(scope.signal))
  }
  scope.signal.addEventListener('abort', goodBye, { once: true })
  return socket => {
    if (peers.size >= config.maxConnections) {
      log.warn({ remote: socket.remoteAddress, connections: peers.size }, 'RTMP connection refused: too many')
      socket.destroy()
      return
    }
    peers.set(socket, new RtmpPeer(socket, { context, config, log }))
    socket.once('close', () => peers.delete(socket))
  }
}

/** The TLS handshake is not yet a peer, so that it has limits of its own. */
const createSecureServer = async (
  { log }: AdapterContext,
  { rtmps, maxConnections, handshakeTimeoutMs }: RtmpConfig,
  scope: Scope,
  serve: Serve,
): Promise<Server> => {
  const pair = await openCertificate(rtmps!, scope, log, renewed => server.setSecureContext(renewed))
  const server = createTlsServer({ ...socketOptions, ...pair, handshakeTimeout: handshakeTimeoutMs }, serve)
  server.maxConnections = maxConnections
  server.on('tlsClientError', (error, socket) => {
    log.debug({ remote: socket.remoteAddress, error: error.message }, 'TLS handshake failed')
  })
  return server
}

const open = async (
  server: Server,
  address: { host: string; port: number },
  scheme: string,
  scope: Scope,
  { log }: AdapterContext,
): Promise<Listener> => {
  await listen(server, scheme, address)
  scope.defer(() => closeServer(server))
  const bound = server.address() as AddressInfo
  log.info({ address: bound.address, port: bound.port }, `${scheme.toUpperCase()} listens`)
  return { address: bound.address, port: bound.port, scheme, ...closable(scope) }
}

/**
 * Publishers and players connect here.
 * @throws GatewayError 'port-in-use' when an address cannot be listened on, 'bad-config' for a certificate of no use
 */
export const listenRtmp = async (
  context: AdapterContext,
  config: RtmpConfig,
): Promise<Listener | undefined> => {
  if (config.listen === null && config.rtmps === undefined) return undefined
  const scope = context.scope.child('rtmp listener')
  const serve = createPeers(context, config, scope)
  const doors: Listener[] = []
  if (config.listen !== null) {
    const server = createServer(socketOptions, serve)
    doors.push(await open(server, config.listen, 'rtmp', scope, context))
  }
  if (config.rtmps !== undefined) {
    const server = await createSecureServer(context, config, scope, serve)
    doors.push(await open(server, config.rtmps.listen, 'rtmps', scope, context))
  }
  const [first, ...further] = doors
  return first && { ...first, further }
}

const listen = (
  server: Server,
  scheme: string,
  { host, port }: { host: string; port: number },
): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', error => {
      reject(new GatewayError('port-in-use', `${scheme} ${host}:${port}: ${error.message}`, { cause: error }))
    })
    server.listen({ host, port }, resolve)
  })

/** Waits for the peers, which were told to go when the scope closed: their sockets linger two seconds at most. */
const closeServer = (server: Server): Promise<void> => new Promise(resolve => server.close(() => resolve()))
