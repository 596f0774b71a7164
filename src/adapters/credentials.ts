/** Where clients put what they have in hand; the same for every protocol and for the API. */
import { createHash } from 'node:crypto'

/** What a peer showed of itself. */
export interface Credentials {
  readonly user?: string
  readonly pass?: string
  /** A bearer token, or a stream key that came without a user name. */
  readonly token?: string
}

const basic = (encoded: string): Credentials => {
  const [user = '', ...pass] = Buffer.from(encoded, 'base64').toString().split(':')
  return { user, pass: pass.join(':') }
}

/** `?token=`, `?key=`, `?user=&pass=`: of an RTMP stream name, or of a URL for players that cannot set headers. */
export const queryCredentials = (query: URLSearchParams): Credentials => {
  const [user, pass, token] = [query.get('user'), query.get('pass'), query.get('token') ?? query.get('key')]
  return {
    ...(user === null ? {} : { user }),
    ...(pass === null ? {} : { pass }),
    ...(token === null ? {} : { token }),
  }
}

/** The `Authorization` header (RFC 6750 2.1, RFC 7617); without one, the query. */
export const httpCredentials = (request: Request): Credentials => {
  const [, scheme, value = ''] =
    /^(Bearer|Basic) +(\S+)\s*$/i.exec(request.headers.get('authorization') ?? '') ?? []
  if (scheme === undefined) return queryCredentials(new URL(request.url).searchParams)
  return scheme.toLowerCase() === 'basic' ? basic(value) : { token: value }
}

/** Equal for equal credentials, and never the secret itself, so that it may be kept; undefined: none were shown. */
export const credentialOf = ({ user, pass, token }: Credentials): string | undefined =>
  user === undefined && pass === undefined && token === undefined
    ? undefined
    : createHash('sha256')
        .update(JSON.stringify([user, pass, token]))
        .digest('base64url')
