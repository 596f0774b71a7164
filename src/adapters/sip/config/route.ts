/** A rule of the dial plan: which calls it admits, and what becomes of them. */
import { z } from 'zod'
import { isNetwork } from '../../../net/networks.ts'
import { secretSchema } from '../../secret.ts'

export const sipCodecs = ['opus', 'g722', 'pcmu', 'pcma'] as const

const oneOrMore = <T extends z.ZodType>(item: T) =>
  z.preprocess(value => (Array.isArray(value) ? value : [value]), z.array(item).min(1))

export const place = z
  .string()
  .refine(
    text => text === 'loopback' || text === 'any' || isNetwork(text),
    'is not "loopback", "any", an IP address or a network such as 10.0.0.0/8',
  )
export const places = oneOrMore(place)

export const codecs = z.array(z.enum(sipCodecs)).min(1)

/** `/^7(?<room>\d+)$/i`, or undefined for a text that is meant as it stands. @throws SyntaxError */
export const readPattern = (text: string): RegExp | undefined => {
  const [, source, flags] = /^\/(.*)\/(i?)$/s.exec(text) ?? []
  return source === undefined ? undefined : new RegExp(`^(?:${source})$`, flags)
}
const isReadable = (text: string): boolean => {
  try {
    readPattern(text)
    return true
  } catch {
    return false
  }
}
const pattern = z
  .string({
    error: ({ input }) => (typeof input === 'number' ? 'a number stands in quotes here' : undefined),
  })
  .min(1)
  .max(256)
  .refine(isReadable, 'is not a regular expression')

/** A stream name in which `{callId}`, `{called}`, `{caller}` and named groups of `called` are filled in. */
const template = z
  .string()
  .min(1)
  .max(255)
  .refine(
    text => /^[A-Za-z0-9_.~/-]+$/.test(text.replace(/\{\w+\}/g, 'x')),
    'is not a stream name: A-Z a-z 0-9 _ - . ~ / and {callId}, {called}, {caller} or a named group of called',
  )

/** Whom the far side may pass the call on to by REFER; deny by default. */
const transfer = z.union([
  z.literal(false),
  z.strictObject({
    /** Beginnings of numbers, and domains as `@example.org`. Each must be allowed by `outbound` too. */
    to: oneOrMore(z.string().min(1)),
  }),
])

export const routeSchema = z
  .strictObject({
    /** For people and logs; left out: `called`. */
    name: z.string().min(1).max(64).optional(),
    /** User part of the number or address that is called: as it stands, or `/regular expression/` for the whole of it. */
    called: pattern,
    /** Domain that is called; left out: any. */
    domain: z.string().toLowerCase().min(1).optional(),
    /** User part of who calls, as it stands or as `/regular expression/`. Anybody can claim any: it proves nothing. */
    caller: pattern.optional(),
    /** Addresses that may call: networks, addresses, `loopback` or `any`. */
    from: places.optional(),
    /** User and password that the caller must show. */
    auth: z.strictObject({ user: z.string().min(1), password: secretSchema(4) }).optional(),
    /** Calls that came by these registrations or trunks. */
    account: oneOrMore(z.string().min(1)).optional(),
    /** The stream that the caller's media becomes; left out: it is not published. */
    publish: template.optional(),
    /** The stream that the caller hears; left out: silence. */
    hear: template.optional(),
    /** Whether the caller talks, listens, or both. Left out: as `publish` and `hear` are there. */
    direction: z.enum(['both', 'talk', 'listen']).optional(),
    /** 'ready': rings until `hear` is live. 'at-once': answers, and `hear` is heard when it comes and can be carried. */
    answer: z.enum(['ready', 'at-once']).default('ready'),
    /** Sound before the answer: what `hear` has. */
    earlyMedia: z.boolean().default(false),
    /** A sound file, played first; one that cannot be played is left out, and the log says why. */
    greeting: z.string().min(1).optional(),
    /** Digits to be keyed in, ended by `#`, before anything is heard or published. */
    pin: secretSchema(1)
      .refine(pin => /^\d{1,32}$/.test(pin.reveal()), 'is not made of 1 to 32 digits')
      .optional(),
    /** Best first. Left out: `sip.codecs`. */
    codecs: codecs.optional(),
    /** Whether H.264 pictures are taken and sent. Left out: `sip.video`. */
    video: z.boolean().optional(),
    transfer: transfer.default(false),
    /** Calls of this rule at once. */
    maxCalls: z.int().min(1).optional(),
  })
  .refine(
    ({ from, auth, account }) => from !== undefined || auth !== undefined || account !== undefined,
    'needs at least one of from, auth and account; from: any lets everybody call',
  )

export type SipRoute = z.output<typeof routeSchema>
