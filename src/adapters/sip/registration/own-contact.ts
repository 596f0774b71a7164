/** Under which address the registrar shall call us. */
import type { Source, Target } from '../addresses.ts'
import type { NameAddr, SipResponse } from '../message/types.ts'
import { seenAs } from './accepted.ts'
import type { RegistrationSignalling } from './types.ts'

/** Our address as the registrar sees it. */
export interface Seen {
  readonly host: string
  readonly port: number
}

/** As the registrar sees us, unless the configuration knows better. */
export const contactTowards = (
  signalling: RegistrationSignalling,
  target: Target | undefined,
  user: string,
  seen: Seen | undefined,
): NameAddr => {
  const door = Math.max(0, target === undefined ? 0 : signalling.doorTowards(target))
  const contact = signalling.contact(door, user, target?.ip)
  if (seen === undefined || signalling.addresses[door]?.external !== undefined) return contact
  return { ...contact, uri: { ...contact.uri, ...seen } }
}

/** Set when the answer shows that we are behind a NAT, and by which address we are to be called. */
export const seenElsewhere = (
  response: SipResponse,
  source: Source | undefined,
  { uri }: NameAddr,
): Seen | undefined => {
  const seen = seenAs(response)
  if (seen === undefined || source === undefined || source.local.external !== undefined) return undefined
  // A connection leaves by a port of its own: only another host tells of a NAT.
  const isSame = seen.host === uri.host && (source.transport !== 'udp' || seen.port === (uri.port ?? 5060))
  return isSame ? undefined : seen
}

/** The binding that is to go, when there is one at another address. */
export const formerBinding = (bound: NameAddr | undefined, { uri }: NameAddr): NameAddr | undefined => {
  const former = bound?.uri
  return former === undefined || (former.host === uri.host && former.port === uri.port) ? undefined : bound
}
