import { createHash } from 'node:crypto'

export const digestAlgorithms = ['MD5', 'SHA-256'] as const
export type DigestAlgorithm = (typeof digestAlgorithms)[number]

export const isAlgorithm = (name: string): name is DigestAlgorithm => name === 'MD5' || name === 'SHA-256'

export const digestHash = (algorithm: DigestAlgorithm, text: string): string =>
  createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
    .update(text)
    .digest('hex')

export interface DigestInput {
  readonly algorithm: DigestAlgorithm
  /** H(user:realm:password). */
  readonly ha1: string
  readonly method: string
  readonly uri: string
  readonly nonce: string
  /** Absent: the response of RFC 2069, without a count. */
  readonly qop?: { readonly name: 'auth' | 'auth-int'; readonly nc: string; readonly cnonce: string }
  /** Protected too by 'auth-int'. */
  readonly body?: string
}

/** RFC 7616 3.4.1, as SIP uses it (RFC 8760). */
export const digestResponse = ({
  algorithm,
  ha1,
  method,
  uri,
  nonce,
  qop,
  body = '',
}: DigestInput): string => {
  const entity = qop?.name === 'auth-int' ? `:${digestHash(algorithm, body)}` : ''
  const ha2 = digestHash(algorithm, `${method}:${uri}${entity}`)
  const middle = qop === undefined ? nonce : `${nonce}:${qop.nc}:${qop.cnonce}:${qop.name}`
  return digestHash(algorithm, `${ha1}:${middle}:${ha2}`)
}
