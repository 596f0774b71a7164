/** What would happen to a call, and why: the same judgement that real calls get. */
import { GatewayError } from '../../errors.ts'
import type { CallExplanation, CallQuestion } from '../call-desk.ts'
import { AccountAddresses } from './account-addresses.ts'
import type { SipRoute } from './config/route.ts'
import type { SipConfig } from './config.ts'
import { type Calling, judgeCall, type PlanVerdict, plannedStream, routeName } from './dial-plan.ts'
import { ipOfHost, parseUri } from './message/uri.ts'

/** `sip:1000@host`, or the user part alone. */
const calledOf = (to: string): { readonly user: string; readonly domain: string } => {
  const uri = parseUri(
    /^(sips?|tel):/i.test(to) ? to.replace(/^(sips?):\/\//i, '$1:') : `sip:${to}@localhost`,
  )
  if (uri === undefined) throw new GatewayError('bad-url', 'what is called is no sip: or tel: URI')
  return { user: uri.user, domain: ipOfHost(uri.host) }
}

/** Which codes mean what, where the rules alone decide. */
const named = { 403: 'Forbidden', 404: 'Not Found', 484: 'Address Incomplete' } as const

const refused = (verdict: Extract<PlanVerdict, { outcome: 'refused' }>): CallExplanation => {
  const { outcome, code, detail, rules } = verdict
  const none = { publish: undefined, hear: undefined }
  return { outcome, code, detail: `${code} ${named[code]}: ${detail}`, rules, ...none }
}

/** What comes before the caller is joined: `; a PIN is asked for`. */
const before = ({ greeting, pin, answer }: SipRoute, hear: string | undefined): string =>
  [
    answer === 'ready' && pin === undefined && hear !== undefined && `it rings until ${hear} is live`,
    greeting !== undefined && 'a greeting is played',
    pin !== undefined && 'a PIN is asked for',
  ]
    .map(text => (text === false ? '' : `; ${text}`))
    .join('')

/** @throws GatewayError 'bad-url' */
export const explainCall = (config: SipConfig, question: CallQuestion): CallExplanation => {
  const { to, from = 'anonymous', remote = '127.0.0.1' } = question
  const { user: called, domain } = calledOf(to)
  const account = new AccountAddresses(config).accountOf(remote, called)
  const calling: Calling = { called, domain, caller: calledOf(from).user, remote, account }
  const verdict = judgeCall(config.routes, calling)
  if (verdict.outcome === 'refused') return refused(verdict)
  const { outcome, groups, rules } = verdict
  const route = outcome === 'admitted' ? verdict.route : verdict.routes[0]!
  const publish = plannedStream(route.publish, calling, groups)
  const hear = plannedStream(route.hear, calling, groups)
  const then = before(route, hear)
  if (outcome === 'admitted')
    return { outcome, code: 200, detail: `admitted by ${routeName(route)}${then}`, rules, publish, hear }
  const users = verdict.routes.map(({ auth }) => auth?.user).join(', ')
  return { outcome, code: 401, detail: `401 until it is signed by ${users}${then}`, rules, publish, hear }
}
