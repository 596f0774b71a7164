import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { WebSocket } from 'ws'
import type { Target } from '../addresses.ts'
import { hostOfIp } from '../message/uri.ts'

/** A target that takes longer is as good as unreachable: there may be another one. */
const connectTimeoutMs = 4000

export interface DialOptions {
  readonly ca?: string | Buffer | undefined
  /** false: any certificate is taken. */
  readonly rejectUnauthorized?: boolean | undefined
  /** Shown to the far end when it asks for one. */
  readonly certificate?: { readonly cert: string | Buffer; readonly key: string | Buffer } | undefined
}

const tlsOptions = ({ name }: Target, { ca, rejectUnauthorized = true, certificate }: DialOptions) =>
  ({
    minVersion: 'TLSv1.2',
    rejectUnauthorized,
    ...(isIP(name) === 0 ? { servername: name } : undefined),
    ...(ca === undefined ? undefined : { ca }),
    ...certificate,
  }) as const

const secure = (target: Target, options: DialOptions): Socket =>
  connectTls({ host: target.ip, port: target.port, ...tlsOptions(target, options) })

/** Connects by TCP or TLS. Rejects with the system's error, or after four seconds. */
export const dial = (target: Target, options: DialOptions): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const tls = target.transport === 'tls'
    const socket = tls ? secure(target, options) : connectTcp({ host: target.ip, port: target.port })
    socket.setNoDelay()
    socket.setKeepAlive(true, 30_000)
    socket.setTimeout(connectTimeoutMs, () =>
      socket.destroy(new Error(`no connection within ${connectTimeoutMs} ms`)),
    )
    socket.once('error', reject)
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      socket.setTimeout(0)
      socket.removeListener('error', reject)
      resolve(socket)
    })
  })

/**
 * Connects to `ws://HOST:PORT/` as a SIP client (RFC 7118 4). Rejects with the system's error, with what the server
 * answered instead, or after four seconds.
 */
export const dialWebSocket = (
  target: Target,
  { maxBytes, ...options }: DialOptions & { readonly maxBytes: number },
): Promise<{ readonly socket: WebSocket; readonly connection: Socket }> =>
  new Promise((resolve, reject) => {
    const { transport, ip, port, name } = target
    const socket = new WebSocket(`${transport}://${hostOfIp(ip)}:${port}/`, 'sip', {
      handshakeTimeout: connectTimeoutMs,
      maxPayload: maxBytes,
      perMessageDeflate: false,
      headers: { Host: `${isIP(name) === 0 ? name : hostOfIp(name)}:${port}` },
      ...(transport === 'wss' && tlsOptions(target, options)),
    })
    let connection: Socket
    socket.once('upgrade', ({ socket: underneath }) => {
      connection = underneath
    })
    socket.once('error', reject)
    socket.once('open', () => {
      socket.removeListener('error', reject)
      resolve({ socket, connection })
    })
  })
