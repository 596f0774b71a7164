/** Providers and PBXes: those we register at, and trunks that know us by our address or by a password. */
import { z } from 'zod'
import { secretSchema } from '../../secret.ts'
import { codecs, places } from './route.ts'

const isSipUri = (text: string): boolean => /^sips?:([^@\s]+@)?[^@\s]+$/i.test(text)
const uri = z.string().refine(isSipUri, 'is not a sip: or sips: URI')

const common = {
  /** Who we are there: `sip:alice@pbx.example`; also From of our calls through it. */
  uri,
  /** User name of the digest, where it is another than that of `uri`. */
  user: z.string().min(1).optional(),
  /** The text itself, `env:NAME` or `file:PATH`. */
  password: secretSchema(1).optional(),
  /** Where requests are sent: `sip:proxy.example:5060;transport=tcp;lr`. Left out: to the domain of `uri`. */
  proxy: uri.optional(),
  /** Addresses that calls through it come from. Left out: those of its proxy or domain. */
  from: places.optional(),
  /** Calls at once, both ways together. */
  maxCalls: z.int().min(1).default(30),
  /** New calls that come in by it within a second; more are answered 503. Left out: `limits.newCallsPerSource`. */
  newCalls: z.int().min(1).optional(),
  /** Whether what it says of who calls (P-Asserted-Identity, Diversion) is believed, and shown. */
  trustIdentity: z.boolean().default(false),
  codecs: codecs.optional(),
  srtp: z.enum(['off', 'optional', 'required']).optional(),
} as const

/** A registration. */
export const accountSchema = z.strictObject({
  ...common,
  /** Asked for, seconds; the registrar may say otherwise. */
  expiresS: z.int().min(60).max(86_400).default(600),
})

/** No registration: an address allow-list, a password, or both. */
export const trunkSchema = z.strictObject({
  ...common,
  /** An OPTIONS goes there so often to see that it is there, seconds; 0: never. */
  optionsEveryS: z.int().min(0).default(0),
})

export type SipAccount = z.output<typeof accountSchema>
export type SipTrunk = z.output<typeof trunkSchema>
