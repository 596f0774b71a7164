/** Tokens (RFC 7519): who signed them, and what they allow. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose'
import { GatewayError } from '../errors.ts'
import { isPattern } from './pattern.ts'
import type { JwtConfig } from './schema.ts'

/** The claims that matter here, checked. */
export interface Grants {
  readonly publish: readonly string[]
  readonly play: readonly string[]
  readonly api: 'read' | 'write' | undefined
}

/** What is wrong with a token, without repeating any of it: "the token has expired". */
export interface BadToken {
  readonly wrong: string
}

/** Never rejects. */
export type VerifyToken = (token: string) => Promise<Grants | BadToken>

const longest = 8192
const mostPatterns = 100
const jwksTimeoutMs = 3000

class ClaimError extends Error {}

/** Three parts in base64url: nothing else is taken for a token. */
export const looksLikeToken = (text: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)

const patterns = (claims: JWTPayload, name: 'publish' | 'play'): readonly string[] => {
  const claim = claims[name] ?? []
  const list: readonly unknown[] = Array.isArray(claim) ? claim : [claim]
  const isGood = (item: unknown): item is string => typeof item === 'string' && isPattern(item)
  if (list.length > mostPatterns || !list.every(isGood))
    throw new ClaimError(`has a claim "${name}" that is no list of at most ${mostPatterns} stream patterns`)
  return list
}

const grantsOf = (claims: JWTPayload): Grants => {
  const { api } = claims
  if (api !== undefined && api !== 'read' && api !== 'write')
    throw new ClaimError('has a claim "api" that is neither read nor write')
  return { publish: patterns(claims, 'publish'), play: patterns(claims, 'play'), api }
}

const sentences: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: 'has expired',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'has a wrong signature',
  ERR_JWKS_NO_MATCHING_KEY: 'is signed with a key that is not known here',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'names no key (kid), and more than one might be meant',
  ERR_JOSE_ALG_NOT_ALLOWED: 'is signed in a way that is not allowed here',
  ERR_JWKS_TIMEOUT: 'cannot be checked, as access.jwt.jwksUrl gave no answer',
}
const claimSentences: Readonly<Record<string, string>> = {
  exp: 'has no end (exp)',
  nbf: 'is not valid yet (nbf)',
  aud: 'is meant for somebody else (aud)',
  iss: 'comes from somebody else (iss)',
}

const explain = (thrown: unknown): string => {
  if (thrown instanceof ClaimError) return thrown.message
  const { code = '', claim = '' } = thrown as { code?: string; claim?: string }
  if (code === 'ERR_JWT_CLAIM_VALIDATION_FAILED') return claimSentences[claim] ?? 'has a wrong claim'
  // What fetch throws, and jose for an answer that is no JWK Set.
  if (!code.startsWith('ERR_J') || code === 'ERR_JOSE_GENERIC')
    return 'cannot be checked, as the keys of access.jwt cannot be had'
  return sentences[code] ?? 'cannot be read'
}

type Keys = JWTVerifyGetKey | KeyObject | Uint8Array
const asymmetric = ['RS256', 'ES256']

/** The algorithm follows from the key, never from the token: a public key is no HMAC secret. */
const algorithmsOf = (keys: Keys): string[] => {
  if (keys instanceof Uint8Array) return ['HS256']
  if (typeof keys === 'function') return asymmetric
  return keys.asymmetricKeyType === 'rsa' ? ['RS256'] : ['ES256']
}

const readKeys = (path: string): Keys => {
  try {
    const text = readFileSync(path, 'utf8')
    if (text.trimStart().startsWith('{')) return createLocalJWKSet(JSON.parse(text) as JSONWebKeySet)
    const key = createPublicKey(text)
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
    if (type === 'rsa' || (type === 'ec' && details?.namedCurve === 'prime256v1')) return key
    throw new Error('it holds neither an RSA nor a P-256 key')
  } catch (error) {
    throw new GatewayError('bad-config', `access.jwt.keyFile ${path}: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

const keysOf = ({ secret, keyFile, jwksUrl }: JwtConfig): Keys => {
  if (secret !== undefined) return new TextEncoder().encode(secret.reveal())
  if (keyFile !== undefined) return readKeys(keyFile)
  return createRemoteJWKSet(new URL(jwksUrl!), { timeoutDuration: jwksTimeoutMs })
}

/** @throws GatewayError 'bad-config' when the key file cannot be read */
export const createTokenVerifier = (config: JwtConfig): VerifyToken => {
  const keys = keysOf(config)
  const { audience, issuer, leewayS } = config
  const options = {
    algorithms: algorithmsOf(keys),
    clockTolerance: leewayS,
    requiredClaims: ['exp'],
    ...(audience === undefined ? {} : { audience }),
    ...(issuer === undefined ? {} : { issuer }),
  }
  // One signature for each kind of key in jose's types; the call is the same.
  const verify = (token: string) =>
    typeof keys === 'function' ? jwtVerify(token, keys, options) : jwtVerify(token, keys, options)
  return async token => {
    if (token.length > longest)
      return { wrong: `the token has ${token.length} characters, at most ${longest} fit` }
    try {
      return grantsOf((await verify(token)).payload)
    } catch (thrown) {
      return { wrong: `the token ${explain(thrown)}` }
    }
  }
}
