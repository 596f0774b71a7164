import { splitList } from '../message/header-list.ts'

/** Parameters of a challenge or of an answer to one, unquoted; undefined when the scheme is not Digest. */
export const parseDigest = (value: string): ReadonlyMap<string, string> | undefined => {
  const match = /^\s*Digest\s+(.*)$/is.exec(value)
  if (match === null) return undefined
  const parameters = new Map<string, string>()
  for (const part of splitList(match[1]!)) {
    const equals = part.indexOf('=')
    if (equals < 0) continue
    const text = part.slice(equals + 1).trim()
    const plain = text.startsWith('"') ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text
    parameters.set(part.slice(0, equals).trim().toLowerCase(), plain)
  }
  return parameters
}

/** A value in quotes, as realm, nonce and user are written. */
export const quoted = (value: string): string => `"${value.replace(/["\\]/g, '\\$&')}"`
