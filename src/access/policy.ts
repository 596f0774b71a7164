/** Who may do what, by address, key and token; the same for every protocol and for the API. */
import type { Access, Logger } from '../adapters/adapter.ts'
import type { Credentials } from '../adapters/credentials.ts'
import type { Clock, Scope } from '../core/types.ts'
import { GatewayError, toGatewayError } from '../errors.ts'
import { isLoopback, networkMatcher, plainAddress } from '../net/networks.ts'
import { Guesses } from './guesses.ts'
import { matchesAny } from './pattern.ts'
import { createRefusals, type Refusals } from './refusals.ts'
import type { AccessConfig, Rule } from './schema.ts'
import { type BadToken, createTokenVerifier, type Grants, looksLikeToken, type VerifyToken } from './token.ts'

/** What is asked for. Without a stream: anything of the kind, on whichever stream. */
export type Wish = Pick<Access, 'action' | 'scope'> & Partial<Pick<Access, 'stream'>>
/** Who asks, by which protocol, with what in hand. */
export type Asker = Omit<Access, keyof Wish>

/** Somebody whose token, if any, has been verified: for more than one question. */
export interface Caller {
  /** Why not; undefined: it may. */
  refusal(wish: Wish): GatewayError | undefined
  allows(wish: Wish): boolean
}

export interface AccessPolicy {
  /** Rejects with GatewayError 'unauthorized' or 'forbidden' that says why; that is logged and counted. */
  authorize(access: Access): Promise<void>
  /** The same for whoever asks more than one thing; one of `wishes` must be granted, else it is the first's refusal. */
  admit(asker: Asker, ...wishes: readonly [Wish, ...Wish[]]): Promise<Caller>
  /** From now on these rules hold; sessions that run go on. @throws GatewayError 'bad-config' */
  replace(config: AccessConfig): void
  readonly refusals: Refusals['counts']
}

type Setting = 'publish' | 'play' | 'api'
const settings = { publish: 'publish', subscribe: 'play', api: 'api' } as const satisfies Record<
  string,
  Setting
>

interface CompiledRule extends Rule {
  readonly admits: (remote: string) => boolean
}
interface Rules extends Readonly<Record<Setting, readonly CompiledRule[]>> {
  readonly verify: VerifyToken | undefined
}

const admission = (places: Rule['from']): CompiledRule['admits'] => {
  if (places === undefined || places.includes('any')) return () => true
  const inNetwork = networkMatcher(places.filter(place => place !== 'loopback'))
  return places.includes('loopback') ? remote => isLoopback(remote) || inNetwork(remote) : inNetwork
}
const compile = (rules: readonly Rule[]): readonly CompiledRule[] =>
  rules.map(rule => ({ ...rule, admits: admission(rule.from) }))

const compileAll = ({ publish, play, api, jwt }: AccessConfig): Rules => ({
  publish: compile(publish),
  play: compile(play),
  api: compile(api),
  verify: jwt && createTokenVerifier(jwt),
})

const isOpen = ({ key, jwt }: Rule): boolean => key === undefined && jwt === undefined

const shows = ({ user, pass, token }: Credentials, rule: Rule): boolean => {
  if (rule.key === undefined || (rule.user !== undefined && rule.user !== user)) return false
  const matches = (given: string | undefined): boolean =>
    given !== undefined && rule.key!.some(key => key.equals(given))
  return matches(pass) || matches(token)
}

const grants = (claims: Grants, { action, stream, scope }: Wish): boolean => {
  if (action === 'api') return claims.api === 'write' || (claims.api === 'read' && scope === 'read')
  const patterns = claims[settings[action]]
  return stream === undefined ? patterns.length > 0 : matchesAny(patterns, stream)
}

const describeWish = ({ action, stream, scope }: Wish): string => {
  if (action === 'api') return scope === 'read' ? 'looking into the API' : 'using the API'
  return [action === 'publish' ? 'publishing' : 'playing', stream].filter(Boolean).join(' ')
}

class IdentifiedCaller implements Caller {
  readonly #rules: Rules
  readonly #asker: Asker
  /** What its token allows, or what is wrong with that. */
  readonly #token: Grants | BadToken | undefined

  constructor(rules: Rules, asker: Asker, token: Grants | BadToken | undefined) {
    this.#rules = rules
    this.#asker = asker
    this.#token = token
  }

  allows(wish: Wish): boolean {
    return this.refusal(wish) === undefined
  }

  refusal(wish: Wish): GatewayError | undefined {
    const setting = settings[wish.action]
    const about = this.#rules[setting].filter(rule => this.#isAbout(rule, wish))
    const near = about.filter(rule => rule.admits(this.#asker.remote))
    if (near.length === 0) {
      const places = [...new Set(about.flatMap(({ from = [] }) => from))]
      const who = places.length === 0 ? 'nobody' : `${places.join(', ')} only`
      return this.#error('forbidden', wish, `access.${setting} admits ${who}`)
    }
    if (near.some(rule => isOpen(rule) || shows(this.#asker, rule))) return undefined
    return this.#judgeToken(wish, near)
  }

  #isAbout({ streams, scope }: CompiledRule, wish: Wish): boolean {
    if (wish.action === 'api') return scope === 'write' || wish.scope === 'read'
    return wish.stream === undefined || matchesAny(streams, wish.stream)
  }

  #judgeToken(wish: Wish, near: readonly Rule[]): GatewayError | undefined {
    const claims = near.some(({ jwt }) => jwt) ? this.#token : undefined
    if (claims !== undefined && 'wrong' in claims) return this.#error('unauthorized', wish, claims.wrong)
    if (claims !== undefined)
      return grants(claims, wish) ? undefined : this.#error('forbidden', wish, 'the token does not allow it')
    const why = showsSomething(this.#asker) ? 'the key is wrong' : 'a key or token is wanted'
    return this.#error('unauthorized', wish, why)
  }

  #error(code: 'unauthorized' | 'forbidden', wish: Wish, why: string): GatewayError {
    const { protocol, remote } = this.#asker
    return new GatewayError(
      code,
      `${describeWish(wish)} over ${protocol} from ${plainAddress(remote)}: ${why}`,
    )
  }
}

const showsSomething = ({ user, pass, token }: Credentials): boolean =>
  user !== undefined || pass !== undefined || token !== undefined

/** The same asker with empty hands. */
const bare = ({ protocol, remote }: Asker): Asker => ({ protocol, remote })

const tooSoon = (asker: Asker, waitS: number): GatewayError =>
  new GatewayError(
    'forbidden',
    `too many wrong keys came from ${plainAddress(asker.remote)}: the next one is looked at in ${waitS} s`,
    { retryAfterS: waitS },
  )

const tokenOf = ({ token, pass }: Credentials): string | undefined =>
  [token, pass].find(text => text !== undefined && looksLikeToken(text))

export interface AccessPolicyParts {
  readonly log: Logger
  readonly clock: Clock
  readonly scope: Scope
}

/** Builds the policy of the `access` section. @throws GatewayError 'bad-config' when a key file cannot be read */
export const createAccessPolicy = (config: AccessConfig, parts: AccessPolicyParts): AccessPolicy => {
  let rules = compileAll(config)
  const refusals = createRefusals(parts.log, parts.clock, parts.scope)
  const guesses = new Guesses(parts.clock, parts.log)
  const identify = async (asker: Asker): Promise<Caller> => {
    const now = rules
    const text = now.verify && tokenOf(asker)
    const token = text === undefined ? undefined : await now.verify!(text)
    return new IdentifiedCaller(now, asker, token)
  }
  /** Keys that come too soon are not looked at; what is open to everybody stays so. */
  const checkPace = (asker: Asker, wishes: readonly Wish[]): void => {
    const waitS = showsSomething(asker) ? guesses.waitS(asker.remote) : 0
    if (waitS === 0) return
    const anybody = new IdentifiedCaller(rules, bare(asker), undefined)
    if (!wishes.some(wish => anybody.allows(wish))) throw tooSoon(asker, waitS)
  }
  const judge = async (asker: Asker, wishes: readonly [Wish, ...Wish[]]): Promise<Caller> => {
    checkPace(asker, wishes)
    const caller = await identify(asker)
    if (wishes.some(wish => caller.allows(wish))) return caller
    const refusal = caller.refusal(wishes[0])!
    if (refusal.code === 'unauthorized' && showsSomething(asker)) guesses.add(asker.remote)
    throw refusal
  }
  const admit: AccessPolicy['admit'] = async (asker, ...wishes) => {
    try {
      return await judge(asker, wishes)
    } catch (thrown) {
      refusals.add(asker, wishes[0].action, toGatewayError(thrown))
      throw thrown
    }
  }
  return {
    admit,
    authorize: async access => void (await admit(access, access)),
    replace(next) {
      rules = compileAll(next)
    },
    refusals: refusals.counts,
  }
}
