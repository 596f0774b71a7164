/** Who may call, and what becomes of the call: pure, so that `sip explain` says what really happens. */
import { networkMatcher } from '../../net/networks.ts'
import type { SipRoute } from './config/route.ts'
import { readPattern } from './config/route.ts'

/** What is known of a call before it is answered. */
export interface Calling {
  /** User part and domain of what is called. */
  readonly called: string
  readonly domain: string
  /** User part of who calls, as it says. */
  readonly caller: string
  /** IP address that the request came from. */
  readonly remote: string
  /** The registration or trunk by which it came. */
  readonly account?: string | undefined
  /** Who signed it. */
  readonly user?: string | undefined
  /** It comes from there indeed: by a connection, or signed. Over UDP anybody may write any address. */
  readonly isProven?: boolean
}

export interface RuleVerdict {
  readonly rule: string
  readonly admits: boolean
  readonly why: string
}

interface Judged {
  /** Every rule in order. */
  readonly rules: readonly RuleVerdict[]
}
export type PlanVerdict = Judged &
  (
    | { readonly outcome: 'admitted'; readonly route: SipRoute; readonly groups: Groups }
    /** Whoever shows the password of one of these may go on. */
    | { readonly outcome: 'challenged'; readonly routes: readonly SipRoute[]; readonly groups: Groups }
    | { readonly outcome: 'refused'; readonly code: 403 | 404 | 484; readonly detail: string }
  )
/** What the pattern of `called` has named. */
export type Groups = Readonly<Record<string, string>>

/** 'number': it is about another number. 'caller': about this one, but not from there. */
type Match =
  | { readonly kind: 'no'; readonly about: 'number' | 'caller'; readonly why: string }
  | { readonly kind: 'asks'; readonly groups: Groups; readonly why: string }
  | { readonly kind: 'yes'; readonly groups: Groups; readonly why: string }

/** What stands in the log and in answers: `route "sales"`. */
export const routeName = ({ name, called }: SipRoute): string => name ?? called

const shownUser = (user: string): string => (user === '' ? 'nobody' : user.slice(0, 64))

type Matcher = (text: string) => Groups | undefined

const patternMatcher = (pattern: string): Matcher => {
  const expression = readPattern(pattern)
  if (expression === undefined) return text => (pattern === text ? {} : undefined)
  return text => {
    const found = expression.exec(text)
    return found === null ? undefined : { ...found.groups }
  }
}

/** `any` and `loopback` beside networks. */
export const placeMatcher = (places: readonly string[]): ((ip: string) => boolean) => {
  if (places.includes('any')) return () => true
  return networkMatcher(places.flatMap(place => (place === 'loopback' ? ['127.0.0.0/8', '::1'] : [place])))
}

/** What a rule says, ready to be asked: every request of a flood asks. */
interface Ready {
  readonly called: Matcher
  readonly caller: Matcher
  readonly from: (ip: string) => boolean
}
const ready = new WeakMap<SipRoute, Ready>()

const readyOf = (route: SipRoute): Ready => {
  const known = ready.get(route)
  if (known !== undefined) return known
  const { called, caller = '/.*/', from = ['any'] } = route
  const made = { called: patternMatcher(called), caller: patternMatcher(caller), from: placeMatcher(from) }
  ready.set(route, made)
  return made
}

const no = (about: 'number' | 'caller', why: string): Match => ({ kind: 'no', about, why })

const matchCaller = (route: SipRoute, calling: Calling, groups: Groups): Match => {
  const { from, account, caller, auth } = route
  if (from !== undefined && !readyOf(route).from(calling.remote))
    return no('caller', `from: ${calling.remote} is not in ${from.join(', ')}`)
  if (account !== undefined && (calling.account === undefined || !account.includes(calling.account)))
    return no('caller', `account: it came by ${calling.account ?? 'none'}, not by ${account.join(', ')}`)
  if (caller !== undefined && readyOf(route).caller(calling.caller) === undefined)
    return no('caller', `caller: ${shownUser(calling.caller)} is not ${caller}`)
  if (auth === undefined) return { kind: 'yes', groups, why: 'admits it' }
  if (calling.user === auth.user) return { kind: 'yes', groups, why: `admits ${auth.user}` }
  if (calling.user === undefined)
    return { kind: 'asks', groups, why: `asks for the password of ${auth.user}` }
  return no('caller', `auth: it is signed by ${shownUser(calling.user)}, not by ${auth.user}`)
}

const match = (route: SipRoute, calling: Calling): Match => {
  const groups = readyOf(route).called(calling.called)
  if (groups === undefined) return no('number', `called: ${shownUser(calling.called)} is not ${route.called}`)
  if (route.domain !== undefined && route.domain !== calling.domain)
    return no('number', `domain: ${calling.domain} is not ${route.domain}`)
  return matchCaller(route, calling, groups)
}

const refusal = (calling: Calling, matches: readonly Match[]): { code: 403 | 404 | 484; detail: string } => {
  if (calling.called === '') return { code: 484, detail: 'the address that is called has no user part' }
  const numbered = matches.filter(found => found.kind === 'no' && found.about === 'caller')
  if (numbered.length === 0)
    return { code: 404, detail: `no rule is about ${shownUser(calling.called)} (${matches.length} rules)` }
  const detail = `${shownUser(calling.called)} may not be called from here: ${numbered[0]!.why}`
  return { code: 403, detail }
}

/** The first rule that matches decides; where it has `auth`, those after it that have it too may decide as well. */
export const judgeCall = (routes: readonly SipRoute[], calling: Calling): PlanVerdict => {
  const matches = routes.map(route => match(route, calling))
  const first = calling.called === '' ? -1 : matches.findIndex(({ kind }) => kind !== 'no')
  const found = matches[first]
  const rules = matches.map(({ kind, why }, index): RuleVerdict => {
    const rule = routeName(routes[index]!)
    const decides = index === first || (found?.kind === 'asks' && kind === 'asks') || kind === 'no'
    const late = first < 0 || decides ? why : `comes after ${routeName(routes[first]!)}, which decides`
    return { rule, admits: index === first && kind === 'yes', why: late }
  })
  if (found === undefined || found.kind === 'no')
    return { outcome: 'refused', ...refusal(calling, matches), rules }
  if (found.kind === 'yes') return { outcome: 'admitted', route: routes[first]!, groups: found.groups, rules }
  const asking = routes.filter((_, index) => matches[index]!.kind === 'asks')
  return { outcome: 'challenged', routes: asking, groups: found.groups, rules }
}

/** Other characters than stream names have become `-`; what is left empty is `unknown`. */
const asNamePart = (text: string): string =>
  text
    .replace(/[^A-Za-z0-9_.~-]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/^[-.~]+|[.]+$/g, '')
    .slice(0, 64) || 'unknown'

/** `calls/{callId}` with everything filled in. */
export const fillTemplate = (
  template: string,
  { called, caller }: Calling,
  groups: Groups,
  callId: string,
): string => {
  const values: Groups = { ...groups, callId, called, caller }
  return template.replace(/\{(\w+)\}/g, (_whole, name: string) => asNamePart(values[name] ?? ''))
}

/** In place of the id that a call will have. */
const UNKNOWN_ID = '0callId0'

/** The same before there is a call, with `{callId}` as it stands. */
export const plannedStream = (
  template: string | undefined,
  calling: Calling,
  groups: Groups,
): string | undefined =>
  template && fillTemplate(template, calling, groups, UNKNOWN_ID).replaceAll(UNKNOWN_ID, '{callId}')
