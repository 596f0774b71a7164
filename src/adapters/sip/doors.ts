/** Which doors are opened for signalling, as the configuration says. */
import { createServer } from 'node:net'
import { type CertificatePair, openCertificate } from '../../tls/certificate.ts'
import type { AdapterContext } from '../adapter.ts'
import type { ListenAddress } from './addresses.ts'
import type { SipConfig } from './config.ts'

/** A port that TCP has free just now; UDP mostly has it too. */
const freePort = (host: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, host, () => {
      const { port } = server.address() as { readonly port: number }
      server.close(() => resolve(port))
    })
  })

const outside = ({ external }: SipConfig): Pick<ListenAddress, 'external'> =>
  external === undefined ? {} : { external: { host: external } }

/** Without a door for others, calls of ours leave by free ports. */
const plainDoors = async (config: SipConfig): Promise<readonly ListenAddress[]> => {
  const { host, port } = config.listen ?? { host: '0.0.0.0', port: 0 }
  const chosen = port === 0 && config.listen !== null ? await freePort(host) : port
  const at = { host, port: chosen, ...outside(config) }
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
  const doors = [...(await plainDoors(config))]
  if (config.tls !== undefined) {
    const { listen, cert, key } = config.tls
    const door = doors.length
    const certificate = await openCertificate({ cert, key }, scope, log, pair => renewed(door, pair))
    doors.push({ transport: 'tls', ...listen, ...outside(config), certificate })
  }
  if (config.ws !== undefined) doors.push({ transport: 'ws', ...config.ws.listen, ...outside(config) })
  return doors
}
