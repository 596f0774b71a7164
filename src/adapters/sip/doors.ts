/** Which doors are opened for signalling, as the configuration says. */
import { createSocket, type Socket } from 'node:dgram'
import { createServer, isIPv6 } from 'node:net'
import { toGatewayError } from '../../errors.ts'
import { networkMatcher } from '../../net/networks.ts'
import { type CertificatePair, openCertificate } from '../../tls/certificate.ts'
import type { AdapterContext } from '../adapter.ts'
import type { ListenAddress, TransportKind } from './addresses.ts'
import { readExternal, type SipListener } from './config/listener.ts'
import type { SipConfig } from './config.ts'
import { transportOf } from './dns/locate.ts'
import { parseUri } from './message/uri.ts'

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

type Told = Pick<SipListener, 'external' | 'local'>

/** One address cannot stand for the doors of both families. */
const usualExternal = ({ external }: SipConfig, host: string): string | undefined =>
  external !== undefined && isIPv6(external) === isIPv6(host) ? external : undefined

/** What is told of a door, and whom it is there for. */
const outside = (config: SipConfig, host: string, { external, local }: Told = {}) => {
  const told = external === undefined ? usualExternal(config, host) : (external ?? undefined)
  return {
    ...(told !== undefined && {
      external: { ...readExternal(told)!, spares: networkMatcher(local ?? config.local) },
    }),
    ...(local !== undefined && { leadsTo: networkMatcher(local) }),
  }
}

type Place = Pick<ListenAddress, 'host' | 'port' | 'oursOnly'>

const udpAndTcp = (config: SipConfig, place: Place): readonly ListenAddress[] => {
  const at = { ...place, ...outside(config, place.host) }
  return [
    { transport: 'udp', ...at },
    { transport: 'tcp', ...at },
  ]
}

const isPlain = (kind: TransportKind | undefined): boolean =>
  kind === undefined || kind === 'udp' || kind === 'tcp'

/** Whether anything of ours may leave by UDP or TCP. */
const leavesPlainly = ({ accounts, trunks, outbound }: SipConfig): boolean =>
  outbound.domains.length > 0 ||
  Object.values({ ...accounts, ...trunks }).some(({ uri, proxy }) => {
    const way = parseUri(proxy ?? uri)
    return way === undefined || isPlain(transportOf(way))
  })

/** Calls of ours leave by free ports where no door serves: none is opened that nothing can use. */
const doorsOfOurs = (config: SipConfig, doors: readonly ListenAddress[]): readonly ListenAddress[] => {
  const isServed = doors.some(({ transport }) => isPlain(transport))
  if (isServed || (doors.length > 0 && !leavesPlainly(config))) return []
  return udpAndTcp(config, { host: '0.0.0.0', port: 0, oursOnly: true })
}

/** `tls` and `ws` are listeners with names of their own. */
const listenersOf = ({ tls, ws, listeners }: SipConfig): readonly SipListener[] => {
  const named = (
    listener: Omit<SipListener, 'transport' | 'origins'> | undefined,
    kind: TransportKind,
  ): SipListener[] => (listener === undefined ? [] : [{ origins: [], ...listener, transport: [kind] }])
  return [...named(tls, 'tls'), ...named(ws, ws?.cert === undefined ? 'ws' : 'wss'), ...listeners]
}

const isSecure = (kind: TransportKind): boolean => kind === 'tls' || kind === 'wss'

/** UDP and TCP on one port, then TLS, WebSocket and further ones where they are configured, then those of ours alone. */
export const doorsOf = async (
  { scope, log }: Pick<AdapterContext, 'scope' | 'log'>,
  config: SipConfig,
  renewed: (door: number, pair: CertificatePair) => void,
): Promise<readonly ListenAddress[]> => {
  const doors = config.listen === null ? [] : [...udpAndTcp(config, config.listen)]
  for (const listener of listenersOf(config)) {
    const { listen, cert, key, origins } = listener
    for (const transport of listener.transport) {
      const door = doors.length
      const certificate =
        isSecure(transport) && cert !== undefined && key !== undefined
          ? await openCertificate({ cert, key }, scope, log, pair => renewed(door, pair))
          : undefined
      const told = outside(config, listen.host, listener)
      doors.push({ transport, ...listen, ...told, origins, ...(certificate && { certificate }) })
    }
  }
  return [...doors, ...doorsOfOurs(config, doors)]
}

/** Where port 0 is asked for, UDP and the TCP after it get the same one. */
const withFreePorts = async (doors: readonly ListenAddress[]): Promise<readonly ListenAddress[]> => {
  const given: ListenAddress[] = []
  for (const door of doors) {
    const before = given.at(-1)
    const isPair = before?.transport === 'udp' && door.transport === 'tcp' && before.host === door.host
    if (door.port !== 0) given.push(door)
    else if (isPair) given.push({ ...door, port: before.port })
    else given.push(door.transport === 'udp' ? { ...door, port: await freePort(door.host) } : door)
  }
  return given
}

/**
 * Opens the doors; a port that was free may be taken by somebody else in the meantime.
 * @throws what `open` throws
 */
export const openDoors = async <T>(
  doors: readonly ListenAddress[],
  open: (doors: readonly ListenAddress[]) => Promise<T>,
): Promise<T> => {
  const isChosen = doors.every(({ transport, port }) => transport !== 'udp' || port !== 0)
  if (isChosen) return open(doors)
  for (let tries = 1; ; tries++) {
    try {
      return await open(await withFreePorts(doors))
    } catch (thrown) {
      if (toGatewayError(thrown).code !== 'port-in-use' || tries === TRIES) throw thrown
    }
  }
}
