import { SignJWT } from 'jose'
import { GatewayError } from '../errors.ts'
import { isPattern } from './pattern.ts'
import type { JwtConfig } from './schema.ts'

export interface TokenRequest {
  readonly publish: readonly string[]
  readonly play: readonly string[]
  readonly api?: 'read' | 'write' | undefined
  /** Whose it is, for whoever reads it later. */
  readonly subject?: string | undefined
  readonly seconds: number
}

/**
 * Signs a token that `access.jwt` with a secret lets in.
 * @throws GatewayError 'bad-config' without a secret, 'bad-request' for a token that allows nothing or a bad pattern
 */
export const signToken = async (jwt: JwtConfig | undefined, request: TokenRequest): Promise<string> => {
  const { publish, play, api, subject, seconds } = request
  if (jwt?.secret === undefined)
    throw new GatewayError('bad-config', 'tokens are signed here only with access.jwt.secret')
  const bad = [...publish, ...play].find(pattern => !isPattern(pattern))
  if (bad !== undefined) throw new GatewayError('bad-request', `"${bad}" is not a pattern of stream names`)
  if (publish.length + play.length === 0 && api === undefined)
    throw new GatewayError('bad-request', 'a token allows to publish, to play, or to use the API')
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    ...(publish.length > 0 && { publish }),
    ...(play.length > 0 && { play }),
    ...(api !== undefined && { api }),
    ...(jwt.audience !== undefined && { aud: jwt.audience[0] }),
    ...(jwt.issuer !== undefined && { iss: jwt.issuer[0] }),
    ...(subject !== undefined && { sub: subject }),
  }
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt(now)
    .setExpirationTime(now + seconds)
    .sign(new TextEncoder().encode(jwt.secret.reveal()))
}
