/** The `access` section of the configuration. */
import { z } from 'zod'
import { secretSchema } from '../adapters/secret.ts'
import { accessHookSchema } from '../hooks/config.ts'
import { isNetwork } from '../net/networks.ts'
import { isPattern } from './pattern.ts'

const oneOrMore = <T extends z.ZodType>(item: T) =>
  z.preprocess(value => (Array.isArray(value) ? value : [value]), z.array(item).min(1))

const place = z
  .string()
  .refine(
    text => text === 'loopback' || text === 'any' || isNetwork(text),
    'is not "loopback", "any", an IP address or a network such as 10.0.0.0/8',
  )

const fields = {
  /** Streams it is about; `*` is any one part of a name, `**` any number of them. */
  streams: oneOrMore(
    z.string().refine(isPattern, 'is not a pattern of stream names such as live/* or live/**'),
  ).default(['**']),
  /** Where the peer must be. Left out: anywhere. */
  from: oneOrMore(place).optional(),
  /** Keys, one of which the peer must show: the text itself, `env:NAME` or `file:PATH`. */
  key: oneOrMore(secretSchema()).optional(),
  /** With `key`: the user name that must come with it. */
  user: z.string().min(1).optional(),
  /** The peer must show a token, signed as `access.jwt` says, that names the stream. */
  jwt: z.literal(true).optional(),
}

type Fields = { from?: unknown; key?: unknown; user?: unknown; jwt?: unknown }
const isMeant = ({ from, key, jwt }: Fields): boolean =>
  from !== undefined || key !== undefined || jwt !== undefined

/** `loopback` alone is short for `{ from: loopback }`. */
const listOf = <T extends z.ZodType<Fields>>(rule: T) => {
  const whole = rule
    .refine(isMeant, 'needs at least one of from, key and jwt; from: any lets everybody in')
    .refine(
      ({ key, jwt }) => key === undefined || jwt === undefined,
      'has key or jwt: write two rules for both',
    )
    .refine(({ user, key }) => user === undefined || key !== undefined, 'has a user without a key')
  const short = (value: unknown): unknown => (typeof value === 'string' ? { from: value } : value)
  return z.preprocess(value => (Array.isArray(value) ? value : [value]), z.array(z.preprocess(short, whole)))
}

const stream = listOf(z.strictObject(fields))
const api = listOf(
  z.strictObject({
    ...fields,
    /** `read`: looking on; `write`: changing things too. */
    scope: z.enum(['read', 'write']).default('write'),
  }),
)

const jwksUrl = z
  .url({ protocol: /^https?$/ })
  .refine(
    text => text.startsWith('https:') || /^http:\/\/(localhost|127\.[\d.]+|\[::1\])[:/]/.test(text),
    'must be https: whoever can change the keys on their way lets anybody in',
  )

/** How tokens (RFC 7519) are verified: by one of secret, keyFile and jwksUrl. */
const jwt = z
  .strictObject({
    /** HS256: the text itself, `env:NAME` or `file:PATH`, at least 32 characters (RFC 7518 3.2). */
    secret: secretSchema(32).optional(),
    /** RS256, ES256: a PEM file with the public key or certificate, or a JWK Set. */
    keyFile: z.string().min(1).optional(),
    /** RS256, ES256: where the issuer publishes its JWK Set. */
    jwksUrl: jwksUrl.optional(),
    /** Tokens must be meant for one of these (`aud`). */
    audience: oneOrMore(z.string().min(1)).optional(),
    /** Tokens must come from one of these (`iss`). */
    issuer: oneOrMore(z.string().min(1)).optional(),
    /** How far the issuer's clock may be off, seconds. */
    leewayS: z.number().min(0).max(300).default(5),
  })
  .refine(
    ({ secret, keyFile, jwksUrl }) =>
      [secret, keyFile, jwksUrl].filter(source => source !== undefined).length === 1,
    'needs exactly one of secret, keyFile and jwksUrl',
  )

/** Who may do what. A peer may when one rule of the list admits it. */
export const accessSchema = z
  .strictObject({
    publish: stream.prefault('loopback'),
    play: stream.prefault('any'),
    api: api.prefault('loopback'),
    jwt: jwt.optional(),
    /** Who is asked as well; both must say yes. */
    hook: accessHookSchema.optional(),
  })
  .superRefine(({ publish, play, api, jwt }, context) => {
    if (jwt !== undefined) return
    for (const [name, rules] of Object.entries({ publish, play, api }))
      for (const [index, rule] of rules.entries())
        if (rule.jwt)
          context.addIssue({
            code: 'custom',
            path: [name, index, 'jwt'],
            message: 'needs access.jwt, which says how tokens are verified',
          })
  })

export type AccessConfig = z.output<typeof accessSchema>
export type JwtConfig = NonNullable<AccessConfig['jwt']>
export type Rule = AccessConfig['publish'][number] & { readonly scope?: 'read' | 'write' }
