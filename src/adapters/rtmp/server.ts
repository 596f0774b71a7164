import { type AddressInfo, createServer, type Socket } from 'node:net'
import { closable, reasonOf } from '../../core/scope.ts'
import { GatewayError } from '../../errors.ts'
import type { AdapterContext, Listener } from '../adapter.ts'
import type { RtmpConfig } from './config.ts'
import { RtmpPeer } from './peer.ts'

const KEEP_ALIVE_MS = 30_000

/**
 * Publishers and players connect here.
 * @throws GatewayError 'port-in-use' when the address cannot be listened on
 */
export const listenRtmp = async (
  context: AdapterContext,
  config: RtmpConfig,
): Promise<Listener | undefined> => {
  if (config.listen === null) return undefined
  const scope = context.scope.child('rtmp listener')
  const log = context.log.child({ adapter: 'rtmp' })
  const peers = new Map<Socket, RtmpPeer>()
  const onConnection = (socket: Socket): void => {
    if (peers.size >= config.maxConnections) {
      log.warn({ remote: socket.remoteAddress, connections: peers.size }, 'RTMP connection refused: too many')
      socket.destroy()
      return
    }
    peers.set(socket, new RtmpPeer(socket, { context, config, log }))
    socket.once('close', () => peers.delete(socket))
  }
  const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }
  const server = createServer(options, onConnection)
  await listen(server, config.listen)
  scope.defer(() => closeServer(server))
  const goodBye = (): void => {
    for (const peer of peers.values()) peer.close(reasonOf(scope.signal))
  }
  scope.signal.addEventListener('abort', goodBye, { once: true })
  const { address, port } = server.address() as AddressInfo
  log.info({ address, port }, 'RTMP listens')
  return { address, port, ...closable(scope) }
}

type Server = ReturnType<typeof createServer>

const listen = (server: Server, { host, port }: { host: string; port: number }): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', error => {
      reject(new GatewayError('port-in-use', `rtmp ${host}:${port}: ${error.message}`, { cause: error }))
    })
    server.listen({ host, port }, resolve)
  })

/** Waits for the peers, which were told to go when the scope closed: their sockets linger two seconds at most. */
const closeServer = (server: Server): Promise<void> => new Promise(resolve => server.close(() => resolve()))
