/** What would happen to a call, and why: the same judgement that real calls get. */
import { GatewayError } from '../../errors.ts'
import type { CallExplanation, CallQuestion } from '../call-desk.ts'
import { AccountAddresses } from './account-addresses.ts'
import type { SipConfig } from './config.ts'
import { type Calling, fillTemplate, judgeCall } from './dial-plan.ts'
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

/** @throws GatewayError 'bad-url' */
export const explainCall = (
  config: SipConfig,
  { to, from = 'anonymous', remote = '127.0.0.1' }: CallQuestion,
): CallExplanation => {
  const { user: called, domain } = calledOf(to)
  const account = new AccountAddresses(config).accountOf(remote, called)
  const calling: Calling = { called, domain, caller: calledOf(from).user, remote, account }
  const verdict = judgeCall(config.routes, calling)
  const { rules } = verdict
  if (verdict.outcome === 'refused') {
    const { code, detail } = verdict
    return {
      outcome: 'refused',
      code,
      detail: `${code} ${named[code]}: ${detail}`,
      rules,
      publish: undefined,
      hear: undefined,
    }
  }
  const [route, groups] =
    verdict.outcome === 'admitted' ? [verdict.route, verdict.groups] : [verdict.routes[0]!, {}]
  const fill = (template: string | undefined): string | undefined =>
    template && fillTemplate(template, calling, groups, '{callId}').replace(/-callId-|callId/, '{callId}')
  const streams = { publish: fill(route.publish), hear: fill(route.hear) }
  if (verdict.outcome === 'challenged') {
    const users = verdict.routes.map(({ auth }) => auth?.user).join(', ')
    return {
      outcome: 'challenged',
      code: 401,
      detail: `401 until it is signed by ${users}`,
      rules,
      ...streams,
    }
  }
  return {
    outcome: 'admitted',
    code: 200,
    detail: `admitted by ${rules.find(({ admits }) => admits)?.rule}`,
    rules,
    ...streams,
  }
}
