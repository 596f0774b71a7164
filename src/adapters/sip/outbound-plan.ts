/** Where calls of ours may lead, and through whom: deny by default, because calls cost money. */
import { GatewayError } from '../../errors.ts'
import type { SipConfig } from './config.ts'

/** A target as it was asked for. */
export interface Wanted {
  readonly user: string
  /** Where it really leads, `maddr` included: lower case, without port; IPv6 in brackets. '' of a number alone. */
  readonly host: string
  /** The registration or trunk asked for. */
  readonly account?: string | undefined
}

export interface OutboundWay {
  /** undefined: directly. */
  readonly account: string | undefined
  /** The configuration names who is called, or the account; false: `*` alone lets it through. */
  readonly isNamed: boolean
}

type Plan = Pick<SipConfig, 'outbound' | 'accounts' | 'trunks'>

/** Of `sip:alice@pbx.example:5070;transport=tcp`. */
export const hostOfUri = (uri: string): string =>
  /^sips?:(?:[^@]*@)?(\[[^\]]*\]|[^:;?]*)/i.exec(uri)?.[1]?.toLowerCase() ?? ''

/** Numbers are written in many ways: `+49 (30) 123-45`. */
const plain = (user: string): string => {
  const number = user.split(';', 1)[0]!
  return /^[+\d\s().-]+$/.test(number) ? number.replace(/[\s().-]/g, '') : number
}

const beginsWith = (beginnings: readonly string[], user: string): string | undefined =>
  beginnings.find(beginning => beginning === '*' || user.startsWith(plain(beginning)))

const accountFor = ({ accounts, trunks }: Plan, wanted: Wanted): string | undefined => {
  const all = { ...accounts, ...trunks }
  if (wanted.account !== undefined && !(wanted.account in all))
    throw new GatewayError('bad-request', `sip.accounts and sip.trunks have no ${wanted.account}`)
  return wanted.account ?? Object.keys(all).find(name => hostOfUri(all[name]!.uri) === wanted.host)
}

/** Whoever else is called through an account would be shown its password's digest. */
const isOf = ({ accounts, trunks }: Plan, account: string | undefined, host: string): boolean => {
  if (account === undefined) return false
  return host === '' || host === hostOfUri((accounts[account] ?? trunks[account])!.uri)
}

const forbid = (detail: string): never => {
  throw new GatewayError('forbidden', detail)
}

/**
 * Through whom a call may leave.
 * @throws GatewayError 'forbidden' with the key that would allow it, 'bad-request' for an account that is not there
 */
export const judgeOutbound = (plan: Plan, wanted: Wanted): OutboundWay => {
  const { domains, numbers, deny } = plan.outbound
  const user = plain(wanted.user)
  const denied = beginsWith(deny, user)
  if (denied !== undefined) forbid(`${user} begins with ${denied}, which sip.outbound.deny names`)
  const account = accountFor(plan, wanted)
  const isNamed = domains.includes(wanted.host)
  if (!isNamed && !domains.includes('*') && !isOf(plan, account, wanted.host))
    return forbid(
      wanted.host === ''
        ? `${user} is called through an account: name one of sip.accounts or sip.trunks`
        : `sip.outbound.domains does not name ${wanted.host}`,
    )
  if (account === undefined) return { account, isNamed }
  if (beginsWith(numbers, user) !== undefined) return { account, isNamed: true }
  return forbid(`no beginning in sip.outbound.numbers allows ${user} through ${account}`)
}
