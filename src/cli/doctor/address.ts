import { networkInterfaces } from 'node:os'
import { isPrivateAddress } from '../../net/private-addresses.ts'
import type { Finding } from './finding.ts'

/** Of the `webrtc` section. */
interface Reachable {
  readonly listen: { readonly host: string } | null
  readonly advertise: readonly { readonly ip: string }[]
}

const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap(list =>
    (list ?? []).filter(({ internal, scopeid }) => !internal && !scopeid).map(({ address }) => address),
  )

const isLoopback = (host: string): boolean => host === '::1' || host.startsWith('127.')
const isAny = (host: string): boolean => host === '0.0.0.0' || host === '::'

/** Which addresses WebRTC clients are told. */
export const checkAddress = ({ listen, advertise }: Reachable, own = ownAddresses()): Finding => {
  const check = 'public address'
  if (listen === null) return { check, state: 'ok', detail: 'WebRTC is switched off' }
  if (advertise.length > 0)
    return { check, state: 'ok', detail: `clients are told ${advertise.map(({ ip }) => ip).join(', ')}` }
  if (isLoopback(listen.host))
    return { check, state: 'ok', detail: 'WebRTC is for this machine only (webrtc.listen is loopback)' }
  const told = isAny(listen.host) ? own : [listen.host]
  const detail = `clients are told ${told.join(', ') || 'nothing, this machine has no address'}`
  if (told.some(address => !isPrivateAddress(address))) return { check, state: 'ok', detail }
  const mend = 'from the Internet nobody gets there: set webrtc.advertise to the public address'
  return { check, state: 'warn', detail, mend }
}
