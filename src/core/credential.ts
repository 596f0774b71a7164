/** Credentials as something to compare and to keep: never the secret itself. */
import { createHash } from 'node:crypto'

export interface Credentials {
  readonly user?: string
  readonly pass?: string
  readonly token?: string
}

/** Equal for equal credentials, whatever protocol they came by; undefined: none were shown. */
export const credentialOf = ({ user, pass, token }: Credentials): string | undefined =>
  user === undefined && pass === undefined && token === undefined
    ? undefined
    : createHash('sha256')
        .update(JSON.stringify([user, pass, token]))
        .digest('base64url')
