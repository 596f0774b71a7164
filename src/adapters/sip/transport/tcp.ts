import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import { GatewayError } from '../../../errors.ts'
import type { BoundAddress, ListenAddress } from '../addresses.ts'
import { boundAddress } from './bound-address.ts'
import type { Door } from './flow.ts'

/** @throws GatewayError 'port-in-use' */
export const listenOn = (server: Server, { transport, host, port }: ListenAddress): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', error => {
      reject(
        new GatewayError('port-in-use', `${transport} ${host}:${port}: ${error.message}`, { cause: error }),
      )
    })
    // As UDP has it: the same port of IPv4 may be another door.
    server.listen({ host, port, exclusive: true, ipv6Only: true }, () => {
      server.removeAllListeners('error')
      server.on('error', () => undefined)
      resolve((server.address() as AddressInfo).port)
    })
  })

const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }

/** A TLS server of TLS 1.2 and up, or a plain one. */
const createStreamServer = (
  { transport, certificate }: ListenAddress,
  accept: (socket: Socket) => void,
): Server => {
  if (transport !== 'tls') return createServer(socketOptions, accept)
  if (certificate === undefined) throw new GatewayError('bad-config', 'a tls address needs a certificate')
  const tls = { ...socketOptions, ...certificate, minVersion: 'TLSv1.2', handshakeTimeout: 10_000 } as const
  const server = createTlsServer(tls, accept)
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return server
}

/** Accepts TCP or TLS connections. */
export class StreamDoor implements Door {
  readonly bound: BoundAddress
  readonly #server: Server

  private constructor(bound: BoundAddress, server: Server) {
    this.bound = bound
    this.#server = server
  }

  /** @throws GatewayError 'port-in-use', 'bad-config' */
  static async open(
    address: ListenAddress,
    maxConnections: number,
    accept: (socket: Socket, bound: BoundAddress) => void,
  ): Promise<StreamDoor> {
    const server = createStreamServer(address, socket => accept(socket, door.bound))
    server.maxConnections = maxConnections
    const door: StreamDoor = new StreamDoor(boundAddress(address, await listenOn(server, address)), server)
    return door
  }

  /** Handshakes from now on show this certificate. */
  renew(certificate: NonNullable<ListenAddress['certificate']>): void {
    ;(this.#server as TlsServer).setSecureContext(certificate)
  }

  close(): Promise<void> {
    return new Promise(resolve => this.#server.close(() => resolve()))
  }
}
