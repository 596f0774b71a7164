import type { Sign } from '../client/sign.ts'
import type { RequestDraft } from '../message/format-message.ts'
import { randomHex } from '../message/tokens.ts'
import type { SipResponse } from '../message/types.ts'
import type { Credentials } from '../request.ts'
import { type DigestAlgorithm, digestHash, digestResponse, isAlgorithm } from './hash.ts'
import { parseDigest, quoted } from './parameters.ts'

interface Challenge {
  readonly algorithm: DigestAlgorithm
  readonly realm: string
  readonly nonce: string
  readonly opaque: string | undefined
  readonly qop: 'auth' | 'auth-int' | undefined
  readonly stale: boolean
}

const readQop = (offered: string | undefined): Challenge['qop'] | 'foreign' => {
  if (offered === undefined) return undefined
  const names = offered.split(',').map(name => name.trim().toLowerCase())
  return names.includes('auth') ? 'auth' : names.includes('auth-int') ? 'auth-int' : 'foreign'
}

/** Undefined for a scheme, algorithm or quality of protection that is not spoken here. */
const readChallenge = (line: string): Challenge | undefined => {
  const parameters = parseDigest(line)
  const algorithm = (parameters?.get('algorithm') ?? 'MD5').toUpperCase()
  const nonce = parameters?.get('nonce')
  const qop = readQop(parameters?.get('qop'))
  if (parameters === undefined || nonce === undefined || !isAlgorithm(algorithm) || qop === 'foreign')
    return undefined
  const stale = parameters.get('stale')?.toLowerCase() === 'true'
  return {
    algorithm,
    realm: parameters.get('realm') ?? '',
    nonce,
    opaque: parameters.get('opaque'),
    qop,
    stale,
  }
}

const linesOf = (draft: RequestDraft, name: string): readonly string[] => {
  const value = draft.headers[name] ?? []
  return typeof value === 'string' ? [value] : value
}

/** Counts how often a nonce was used, and answers challenges with user and password (RFC 3261 22, RFC 8760). */
class Signer {
  readonly #credentials: Credentials
  #nonce = ''
  #uses = 0

  constructor(credentials: Credentials) {
    this.#credentials = credentials
  }

  readonly sign: Sign = (response, draft) => {
    const proxy = response.code === 407
    const header = proxy ? 'Proxy-Authorization' : 'Authorization'
    const challenge = challengesOf(response, proxy)[0]
    if (challenge === undefined) return undefined
    const others: string[] = []
    for (const line of linesOf(draft, header)) {
      const earlier = parseDigest(line)
      if (earlier?.get('realm') !== challenge.realm) others.push(line)
      // The same password again only for a nonce that was too old (RFC 3261 22.2).
      else if (!challenge.stale || earlier.get('nonce') === challenge.nonce) return undefined
    }
    const headers = { ...draft.headers, [header]: [...others, this.#authorization(challenge, draft)] }
    return { ...draft, cseq: draft.cseq + 1, headers }
  }

  #authorization({ algorithm, realm, nonce, opaque, qop: name }: Challenge, draft: RequestDraft): string {
    const { user, password } = this.#credentials
    const { method, uri, body } = draft
    const ha1 = digestHash(algorithm, `${user}:${realm}:${password}`)
    const qop = name === undefined ? undefined : { name, nc: this.#count(nonce), cnonce: randomHex(8) }
    const content = body === undefined ? {} : { body: body.content }
    const response = digestResponse({ algorithm, ha1, method, uri, nonce, ...content, ...(qop && { qop }) })
    const parts = [
      `Digest username=${quoted(user)}`,
      `realm=${quoted(realm)}`,
      `nonce=${quoted(nonce)}`,
      `uri=${quoted(uri)}`,
      `response="${response}"`,
      `algorithm=${algorithm}`,
    ]
    if (opaque !== undefined) parts.push(`opaque=${quoted(opaque)}`)
    if (qop !== undefined) parts.push(`qop=${qop.name}`, `nc=${qop.nc}`, `cnonce="${qop.cnonce}"`)
    return parts.join(', ')
  }

  #count(nonce: string): string {
    this.#uses = nonce === this.#nonce ? this.#uses + 1 : 1
    this.#nonce = nonce
    return this.#uses.toString(16).padStart(8, '0')
  }
}

/** Those that can be answered, as the peer prefers them (RFC 8760 2.4). */
const challengesOf = ({ headers }: SipResponse, proxy: boolean): Challenge[] =>
  headers
    .lines(proxy ? 'proxy-authenticate' : 'www-authenticate')
    .map(readChallenge)
    .filter(challenge => challenge !== undefined)

/** Signs the requests of one call or registration. */
export const createSign = (credentials: Credentials | undefined): Sign | undefined =>
  credentials === undefined ? undefined : new Signer(credentials).sign
