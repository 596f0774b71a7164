import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Target } from '../addresses.ts'

/** A target that takes longer is as good as unreachable: there may be another one. */
const connectTimeoutMs = 4000

export interface DialOptions {
  readonly ca?: string | Buffer | undefined
  /** false: any certificate is taken. */
  readonly rejectUnauthorized?: boolean | undefined
  /** Shown to the far end when it asks for one. */
  readonly certificate?: { readonly cert: string | Buffer; readonly key: string | Buffer } | undefined
}

const secure = (target: Target, { ca, rejectUnauthorized = true, certificate }: DialOptions): Socket =>
  connectTls({
    host: target.ip,
    port: target.port,
    minVersion: 'TLSv1.2',
    rejectUnauthorized,
    ...(isIP(target.name) === 0 ? { servername: target.name } : undefined),
    ...(ca === undefined ? undefined : { ca }),
    ...certificate,
  })

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
