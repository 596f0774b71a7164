/** Requests that want to begin something: who may, by the dial plan and the limits, before any state is made. */

import { plainAddress } from '../../net/networks.ts'
import type { Source } from './addresses.ts'
import type { SipConfig } from './config.ts'
import type { Calling, PlanVerdict } from './dial-plan.ts'
import { judgeCall } from './dial-plan.ts'
import type { SipRequest } from './message/types.ts'
import { ipOfHost } from './message/uri.ts'
import type { Refusals } from './refusals.ts'
import type { Verdict } from './request.ts'
import type { Allowance } from './signalling.ts'

/** Whose password proves what: the same for all rules. */
export const REALM = 'crosspoint'

export interface ScreenParts {
  readonly config: SipConfig
  readonly refusals: Refusals
  /** Which registration or trunk a request came by. */
  readonly accountOf: (request: SipRequest, source: Source) => string | undefined
  /** Whether it belongs to a call that is there. */
  readonly isOfCall: (request: SipRequest, source: Source) => boolean
  /** A cap that one more call would break: its code and a sentence. */
  readonly full: (calling: Calling) => { readonly code: 486 | 503; readonly detail: string } | undefined
}

export const callingOf = (
  request: SipRequest,
  source: Source,
  account: string | undefined,
  user?: string,
): Calling => ({
  called: request.uri.user,
  domain: ipOfHost(request.uri.host),
  caller: request.from.uri.user,
  remote: plainAddress(source.ip),
  account,
  user,
  isProven: user !== undefined || source.isProven === true,
})

/** A registration or trunk has its own, from whichever of its addresses. A call that is challenged takes two requests. */
export const allowanceOf = (
  { limits, accounts, trunks }: SipConfig,
  account: string | undefined,
  ip: string,
): Allowance => {
  const own = account === undefined ? undefined : (accounts[account] ?? trunks[account])?.newCalls
  const calls = own ?? limits.newCallsPerSource
  return { of: account ?? plainAddress(ip), perSecond: 2 * calls, burst: 4 * calls }
}

const shown = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 120)

/** Refused for what others do: nobody is to blame. */
const isBusy = (code: number): boolean => code === 486 || code === 503

/** A registration or trunk goes on being answered: the wrong numbers of one of its callers are not those of all. */
export const noteRefusal = (
  refusals: Refusals,
  request: SipRequest,
  calling: Calling,
  code: number,
  detail: string,
): void => {
  const from = shown(`${request.from.uri.user}@${request.from.uri.host}`)
  const to = shown(`${request.uri.user}@${request.uri.host}`)
  const refused = { from, to, remote: calling.remote, reason: { code, detail, by: 'us' } as const }
  if (!isBusy(code) && calling.account === undefined)
    refusals.blame(calling.remote, calling.isProven === true)
  refusals.refuse(refused)
}

const refuse = (
  { refusals }: ScreenParts,
  request: SipRequest,
  calling: Calling,
  code: number,
  detail: string,
): Verdict => {
  noteRefusal(refusals, request, calling, code, detail)
  return { action: 'reject', code, ...(code === 503 && { headers: { 'Retry-After': '5' } }) }
}

type Challenge = Extract<Verdict, { action: 'challenge' }>

const challenge = (
  verdict: Extract<PlanVerdict, { outcome: 'challenged' }>,
  algorithms: SipConfig['challenge'],
): Challenge => ({
  action: 'challenge',
  realm: REALM,
  algorithms,
  secretOf: user => {
    const auth = verdict.routes.find(route => route.auth?.user === user)?.auth
    return auth && { password: auth.password.reveal() }
  },
})

/** Others may have written its address: whoever can sign shows with the nonce that it is there. */
const askStill = ({ config, accountOf }: ScreenParts, request: SipRequest, source: Source): Verdict => {
  if (request.method !== 'INVITE' || source.local.oursOnly) return { action: 'drop' }
  const verdict = judgeCall(config.routes, callingOf(request, source, accountOf(request, source)))
  if (verdict.outcome !== 'challenged') return { action: 'drop' }
  return { ...challenge(verdict, config.challenge), asksOnly: true }
}

/** By a door that was opened for calls of ours, others are not even told what is taken here. */
const screenStranger = (parts: ScreenParts, request: SipRequest, source: Source): Verdict | undefined => {
  const account = parts.accountOf(request, source)
  if (account !== undefined || parts.isOfCall(request, source)) return undefined
  const detail = `${source.local.transport} port ${source.local.port} is for calls of ours only, not for new ones`
  const verdict = refuse(parts, request, callingOf(request, source, account), 403, detail)
  return request.method === 'INVITE' ? verdict : { action: 'drop' }
}

/** Costs no I/O, so that a flood is cheap. */
export const screenRequest = (parts: ScreenParts, request: SipRequest, source: Source): Verdict => {
  const { config, refusals } = parts
  const { isProven = false } = source
  const ip = plainAddress(source.ip)
  if (refusals.drops(ip, true)) return { action: 'drop' }
  if (!isProven && refusals.drops(ip, false)) return askStill(parts, request, source)
  const stranger = source.local.oursOnly && screenStranger(parts, request, source)
  if (stranger) return stranger
  if (request.method === 'OPTIONS') return { action: 'admit' }
  if (request.method !== 'INVITE') {
    // RFC 3261 8.2.1; nobody registers here, and nobody's events are told.
    const code = request.method === 'NOTIFY' ? 481 : 405
    return refuse(
      parts,
      request,
      callingOf(request, source, undefined),
      code,
      `${request.method} is not taken here`,
    )
  }
  const calling = callingOf(request, source, parts.accountOf(request, source))
  const verdict = judgeCall(config.routes, calling)
  if (verdict.outcome === 'refused') return refuse(parts, request, calling, verdict.code, verdict.detail)
  // Who signs is judged with what it has shown: see `CallList.full`.
  if (verdict.outcome === 'challenged') return challenge(verdict, config.challenge)
  const full = parts.full(calling)
  if (full !== undefined) return refuse(parts, request, calling, full.code, full.detail)
  return { action: 'admit' }
}
