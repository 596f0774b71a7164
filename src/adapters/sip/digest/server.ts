import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../../core/types.ts'
import { randomHex } from '../message/tokens.ts'
import type { SipRequest } from '../message/types.ts'
import { parseUri } from '../message/uri.ts'
import type { DigestSecret } from '../request.ts'
import { type DigestAlgorithm, digestHash, digestResponse, isAlgorithm } from './hash.ts'
import { parseDigest, quoted } from './parameters.ts'

export type DigestVerdict =
  | { readonly result: 'signed'; readonly user: string }
  /** Not signed for this realm, or with a nonce that is too old or was used: asked again. */
  | { readonly result: 'unsigned' | 'stale' }
  | { readonly result: 'wrong'; readonly user: string }

type Parameters = ReadonlyMap<string, string>

const nonceLifeUs = 300_000_000
/** Nonces whose counts are kept; older ones are asked for anew. */
const maxNonces = 20_000
/** Signatures of one request that are looked at: one for each realm on its way. */
const maxSignatures = 4

const equal = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))

const ha1Of = (
  secret: DigestSecret | undefined,
  algorithm: DigestAlgorithm,
  user: string,
  realm: string,
): string => {
  if (secret?.password !== undefined) return digestHash(algorithm, `${user}:${realm}:${secret.password}`)
  return (algorithm === 'MD5' ? secret?.ha1?.md5 : secret?.ha1?.sha256)?.toLowerCase() ?? ''
}

/** Whether it was signed for this target: proxies rewrite the host, but never who is called; some sign for the host only. */
const isSameTarget = (signed: string | undefined, request: SipRequest): boolean => {
  if (signed === undefined || signed === request.rawUri) return signed !== undefined
  const user = parseUri(signed)?.user
  return user === '' || user === request.uri.user
}

/** Asks for signatures and checks them, remembering nothing until one is right (RFC 3261 22, RFC 8760). */
export class DigestServer {
  readonly #clock: Clock
  readonly #secret = randomBytes(32)
  /** Last count of each nonce that was used. */
  readonly #counts = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Values of WWW-Authenticate, one for each algorithm, for whoever gets what is sent to `ip`. */
  challenge(realm: string, algorithms: readonly DigestAlgorithm[], stale: boolean, ip = ''): string[] {
    const nonce = this.#newNonce(realm, ip)
    const tail = `nonce="${nonce}", qop="auth"${stale ? ', stale=true' : ''}`
    return algorithms.map(name => `Digest realm=${quoted(realm)}, algorithm=${name}, ${tail}`)
  }

  /** Whether it bears a nonce that was sent to `ip`: who wrote it is there, whether the signature is right or not. */
  wasGivenTo(request: SipRequest, ip: string): boolean {
    const lines = request.headers.lines('authorization').slice(0, maxSignatures)
    return lines.some(line => {
      const parameters = parseDigest(line)
      const nonce = parameters?.get('nonce') ?? ''
      return this.#isOurs(nonce, parameters?.get('realm') ?? '') && nonce.split('.')[2] === this.#place(ip)
    })
  }

  /** A signature by an algorithm that was not offered counts for nothing: nobody may choose a weaker one. */
  verify(
    request: SipRequest,
    realm: string,
    secretOf: (user: string) => DigestSecret | undefined,
    offered: readonly DigestAlgorithm[],
  ): DigestVerdict {
    const parameters = request.headers
      .lines('authorization')
      .slice(0, maxSignatures)
      .map(parseDigest)
      .find(found => found?.get('realm') === realm)
    const algorithm = (parameters?.get('algorithm') ?? 'MD5').toUpperCase()
    if (parameters === undefined || !isAlgorithm(algorithm) || !offered.includes(algorithm))
      return { result: 'unsigned' }
    const nonce = parameters.get('nonce') ?? ''
    if (!this.#isOurs(nonce, realm)) return { result: 'stale' }
    const user = parameters.get('username') ?? ''
    const ha1 = ha1Of(secretOf(user), algorithm, user, realm)
    if (ha1 === '' || !this.#isRight(parameters, algorithm, ha1, request)) return { result: 'wrong', user }
    return this.#isNew(nonce, parameters) ? { result: 'signed', user } : { result: 'stale' }
  }

  #isRight(parameters: Parameters, algorithm: DigestAlgorithm, ha1: string, request: SipRequest): boolean {
    const uri = parameters.get('uri')
    if (!isSameTarget(uri, request)) return false
    const name = parameters.get('qop')
    if (name !== undefined && name !== 'auth') return false
    const nc = parameters.get('nc') ?? ''
    const cnonce = parameters.get('cnonce') ?? ''
    const expected = digestResponse({
      algorithm,
      ha1,
      method: request.method,
      uri: uri!,
      nonce: parameters.get('nonce') ?? '',
      ...(name === undefined ? undefined : { qop: { name, nc, cnonce } }),
    })
    return equal(expected, parameters.get('response')?.toLowerCase() ?? '')
  }

  /** A count may only grow; a signature without one is good for one request (RFC 7616 3.4). */
  #isNew(nonce: string, parameters: Parameters): boolean {
    const count = parameters.has('qop') ? Number.parseInt(parameters.get('nc') ?? '', 16) : 1
    const last = this.#counts.get(nonce) ?? 0
    if (!(count > last)) return false
    if (last === 0 && this.#counts.size >= maxNonces) this.#forgetOldest()
    this.#counts.set(nonce, count)
    return true
  }

  /** Their requests would be new again, so that their nonces must not be ours any more: see `#isOurs`. */
  #oldestUs = Number.NEGATIVE_INFINITY
  #forgetOldest(): void {
    let left = maxNonces / 10
    for (const nonce of this.#counts.keys()) {
      if (left-- <= 0) return
      this.#counts.delete(nonce)
      this.#oldestUs = Math.max(this.#oldestUs, Number.parseInt(nonce, 36))
    }
  }

  #newNonce(realm: string, ip: string): string {
    const body = `${this.#clock.now().toString(36)}.${randomHex(8)}.${this.#place(ip)}`
    return `${body}.${this.#seal(body, realm)}`
  }

  #isOurs(nonce: string, realm: string): boolean {
    const end = nonce.lastIndexOf('.')
    if (!equal(this.#seal(nonce.slice(0, end), realm), nonce.slice(end + 1))) return false
    const bornUs = Number.parseInt(nonce, 36)
    return this.#clock.now() - bornUs <= nonceLifeUs && bornUs > this.#oldestUs
  }

  /** Where a nonce was sent to, unreadable for others. It is good from elsewhere too: proxies have many addresses. */
  #place(ip: string): string {
    return createHmac('sha256', this.#secret).update(`to ${ip}`).digest('hex').slice(0, 8)
  }

  #seal(body: string, realm: string): string {
    return createHmac('sha256', this.#secret).update(`${body} ${realm}`).digest('hex').slice(0, 24)
  }
}
