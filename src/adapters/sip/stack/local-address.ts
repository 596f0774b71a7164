import type { BoundAddress } from '../addresses.ts'
import { formatNameAddr } from '../message/name-addr.ts'
import { noParams } from '../message/params.ts'
import type { NameAddr } from '../message/types.ts'
import { hostOfIp } from '../message/uri.ts'
import type { Flow } from '../transport/flow.ts'
import { outside } from '../transport/local-host.ts'
import type { Stack } from './stack.ts'

type Places = Pick<Stack, 'localHost' | 'transports'>

/** `host:port` where answers to what leaves by `flow` find us. */
const sentBy = ({ localHost }: Places, { local, ip }: Flow): string =>
  `${hostOfIp(localHost.towards(local, ip))}:${outside(local, ip)?.port ?? local.port}`

export const viaFor = (stack: Places, flow: Flow, branch: string): string =>
  `SIP/2.0/${flow.transport.toUpperCase()} ${sentBy(stack, flow)};branch=${branch};rport`

/** Of URIs: WebSocket is one transport, secure or not (RFC 7118 5.2). */
const transportParam = {
  tcp: new Map([['transport', 'tcp']]),
  tls: new Map([['transport', 'tls']]),
  ws: new Map([['transport', 'ws']]),
  wss: new Map([['transport', 'ws']]),
} as const

const contactAt = (
  stack: Places,
  local: BoundAddress,
  ip: string,
  user: string,
  secure: boolean,
): NameAddr => {
  const { transport, port } = local
  const params = transport === 'udp' || secure ? noParams : transportParam[transport]
  const host = hostOfIp(stack.localHost.towards(local, ip))
  const scheme = secure ? 'sips' : 'sip'
  const own = outside(local, ip)?.port ?? stack.localHost.seenBy(local, ip)?.port ?? port
  return { display: '', uri: { scheme, user, host, port: own, params }, params: noParams }
}

/** The Contact of one door, towards the peer at `ip`; '': anybody. */
export const contactOfDoor = (stack: Places, local: BoundAddress, user: string, ip: string): NameAddr =>
  contactAt(stack, local, ip, user, false)

/** Our Contact towards the peer of `flow`. A connection without a door of its own is answered at the first door. */
export const contactText = (
  stack: Places,
  { door, local, ip }: Flow,
  user: string,
  secure = false,
): string => {
  const home = door >= 0 ? local : (stack.transports.addresses[0] ?? local)
  return formatNameAddr(contactAt(stack, home, ip, user, secure))
}
