/** Which doors are opened for signalling, as the configuration says. */
import { createSocket, type Socket } from 'node:dgram'
import { createServer } from 'node:net'
import { toGatewayError } from '../../errors.ts'
import { type CertificatePair, openCertificate } from '../../tls/certificate.ts'
import type { AdapterContext } from '../adapter.ts'
import type { ListenAddress } from './addresses.ts'
import type { SipConfig } from './config.ts'

const TRIES = 8

const boundUdp = (host: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    socket.once('error', reject)
    socket.bind(0, host, () => resolve(socket))
  })
const hasTcp = (host: string, port: number): Promise<boolean> =>
  new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, host, () => server.close(() => resolve(true)))
  })

/** A port that UDP and TCP both have free just now; 0 when none was found. */
const freePort = async (host: string): Promise<number> => {
  for (let tries = 0; tries < TRIES; tries++) {
    const udp = await boundUdp(host)
    const { port } = udp.address()
    const isFree = await hasTcp(host, port)
    await new Promise<void>(resolve => void udp.close(() => resolve()))
    if (isFree) return port
  }
  return 0
}

const outside = ({ external }: SipConfig): Pick<ListenAddress, 'external'> =>
  external === undefined ? {} : { external: { host: external } }

/** Without a door for others, calls of ours leave by free ports. */
const plainDoors = (config: SipConfig): readonly ListenAddress[] => {
  const at = { ...(config.listen ?? { host: '0.0.0.0', port: 0 }), ...outside(config) }
  return [
    { transport: 'udp', ...at },
    { transport: 'tcp', ...at },
  ]
}

/** UDP and TCP on one port, then TLS and WebSocket where they are configured. */
export const doorsOf = async (
  { scope, log }: Pick<AdapterContext, 'scope' | 'log'>,
  config: SipConfig,
  renewed: (door: number, pair: CertificatePair) => void,
): Promise<readonly ListenAddress[]> => {
  const doors = [...plainDoors(config)]
  if (config.tls !== undefined) {
    const { listen, cert, key } = config.tls
    const door = doors.length
    const certificate = await openCertificate({ cert, key }, scope, log, pair => renewed(door, pair))
    doors.push({ transport: 'tls', ...listen, ...outside(config), certificate })
  }
  if (config.ws !== undefined) doors.push({ transport: 'ws', ...config.ws.listen, ...outside(config) })
  return doors
}

/**
 * Where port 0 is asked for, UDP and TCP get the same one; somebody else may take it in the meantime.
 * @throws what `open` throws
 */
export const openDoors = async <T>(
  doors: readonly ListenAddress[],
  open: (doors: readonly ListenAddress[]) => Promise<T>,
): Promise<T> => {
  const [first] = doors
  if (first === undefined || first.port !== 0) return open(doors)
  for (let tries = 1; ; tries++) {
    const port = await freePort(first.host)
    try {
      return await open(doors.map((door, index) => (index < 2 ? { ...door, port } : door)))
    } catch (thrown) {
      if (toGatewayError(thrown).code !== 'port-in-use' || tries === TRIES) throw thrown
    }
  }
}
