/** The `sip` section of the configuration. */
import { z } from 'zod'
import type { ReloadClass } from '../adapter.ts'
import { accountSchema, trunkSchema } from './config/account.ts'
import { ip, listen, listenerSchema, networks, tlsSchema, wsSchema } from './config/listener.ts'
import { codecs, routeSchema, sipCodecs } from './config/route.ts'
import { digestAlgorithms } from './digest/hash.ts'

const ms = z.int().min(1)
const name = z.string().regex(/^[\w.-]{1,64}$/, 'is not a name of A-Z a-z 0-9 _ - .')

const limits = z.strictObject({
  /** Calls at once, both ways together. */
  calls: z.int().min(1).default(500),
  /** Calls at once from one address; those by a connection, signed or acknowledged do not count forged ones. */
  callsPerSource: z.int().min(1).default(100),
  /**
   * New calls within a second from one address, registration or trunk; more are answered 503. What comes by a
   * connection and what is signed has as much of its own, so that forged datagrams use up neither.
   */
  newCallsPerSource: z.int().min(1).default(20),
  /**
   * So many refused requests or wrong passwords within a minute, and the address gets no answer for the next minute. A
   * request for a password does not count, nor a line that is taken (486, 503). Addresses of accounts, trunks and
   * calls that are there are always answered; what is forged silences nobody who signs or comes by a connection.
   */
  refusalsPerSource: z.int().min(1).default(30),
})

const timeouts = z.strictObject({
  /** A call of ours rings so long. */
  ringMs: ms.default(60_000),
  /** A caller hears it ring so long, waiting for what it is to hear. */
  hearMs: ms.default(10_000),
  /** From the answer, the end of the greeting or a wrong PIN to the `#` of the next. */
  pinMs: ms.default(20_000),
  /** Without a packet for so long the far side is taken for gone. */
  silenceMs: ms.default(30_000),
  /** The same while a call is on hold. */
  heldSilenceMs: ms.default(3_600_000),
  /** What became of a transfer must be known so soon. */
  transferMs: ms.default(30_000),
})

const outbound = z.strictObject({
  /**
   * Domains and addresses that may be called directly, whoever is called there. One that is named is trusted wherever
   * its DNS leads; `*`: all, but to private addresses only as `outbound.allowPrivate` of the gateway says.
   */
  domains: z.array(z.string().toLowerCase().min(1)).default([]),
  /** Beginnings of what may be called through registrations and trunks: `+49`, `1`; `*`: all. */
  numbers: z.array(z.string().min(1)).default([]),
  /** Beginnings that may not be called whatever stands above: `+49900`. */
  deny: z.array(z.string().min(1)).default([]),
  /** From of calls that go through no account; left out: `sip:crosspoint@` and our address. */
  from: z
    .string()
    .regex(/^sips?:[^@\s]+@[^@\s]+$/i, 'is not a sip: URI')
    .optional(),
})

export const sipConfig = z
  .strictObject({
    /** Where phones and trunks reach us, UDP and TCP alike; null: no door, only calls of our own. */
    listen: listen(5060).nullable().default(null),
    /** A second door, with TLS. */
    tls: tlsSchema.optional(),
    /** A door for SIP over WebSocket (RFC 7118), with TLS where it has a certificate. */
    ws: wsSchema.optional(),
    /** Further doors, each with an address of its own that others see. */
    listeners: z.array(listenerSchema).default([]),
    /** Towards sips: and transport=tls. */
    trust: z
      .strictObject({
        /** A PEM file with further trusted authorities. */
        caFile: z.string().min(1).optional(),
        /** false: any certificate is taken. */
        rejectUnauthorized: z.boolean().default(true),
      })
      .prefault({}),
    /**
     * Our IP address as others see it, in Via, Contact and SDP: behind NAT, in a container. Of the doors of its family,
     * unless they have their own.
     */
    external: ip.optional(),
    /** Who is on our side of that NAT, and is told our own address. */
    local: networks.default([
      '10.0.0.0/8',
      '172.16.0.0/12',
      '192.168.0.0/16',
      '127.0.0.0/8',
      'fc00::/7',
      '::1',
    ]),
    /** UDP ports of media, both ends included; left out: any that are free. */
    ports: z
      .strictObject({ min: z.int().min(1024).max(65_534), max: z.int().min(1025).max(65_535) })
      .refine(({ min, max }) => max > min, 'holds no pair of ports: max must be above min')
      .optional(),
    /** Media from another address than the SDP's: never; when that address cannot be right; always at first. */
    latch: z.enum(['off', 'auto', 'on']).default('auto'),
    /** SRTP by keys in the SDP (RFC 4568): refused, as the other end wants it, or calls without it refused. */
    srtp: z.enum(['off', 'optional', 'required']).default('optional'),
    /** Best first. */
    codecs: codecs.default([...sipCodecs]),
    /** Whether H.264 pictures are taken and sent where both ends have them. */
    video: z.boolean().default(true),
    /**
     * How callers of rules with `auth` may sign, best first (RFC 8760). MD5 alone unless told otherwise: SHA-256 is safer,
     * but SIPp gives up at a first challenge that it does not know, sip.js at a last one.
     */
    challenge: z
      .array(z.enum(digestAlgorithms))
      .min(1)
      .refine(names => new Set(names).size === names.length, 'names one algorithm twice')
      .default(['MD5']),
    /** The dial plan, first match wins. What no rule admits is refused. */
    routes: z.array(routeSchema).default([]),
    /** Registrations, by names of your own. */
    accounts: z.record(name, accountSchema).default({}),
    /** Trunks without registration, by names of your own. */
    trunks: z.record(name, trunkSchema).default({}),
    /** Where calls of ours may lead. */
    outbound: outbound.prefault({}),
    limits: limits.prefault({}),
    timeouts: timeouts.prefault({}),
    /** Session timers (RFC 4028): asked for, seconds. */
    sessionExpiresS: z.int().min(90).max(86_400).default(1800),
    /** The shortest that is agreed to, seconds. */
    minSessionS: z.int().min(30).max(86_400).default(90),
  })
  .superRefine(({ routes, accounts, trunks }, context) => {
    const known = new Set([...Object.keys(accounts), ...Object.keys(trunks)])
    for (const both of Object.keys(trunks).filter(each => each in accounts))
      context.addIssue({ code: 'custom', path: ['trunks', both], message: 'is the name of an account too' })
    for (const [index, { account = [] }] of routes.entries())
      for (const unknown of account.filter(each => !known.has(each)))
        context.addIssue({
          code: 'custom',
          path: ['routes', index, 'account'],
          message: `names ${unknown}, which is neither in accounts nor in trunks`,
        })
  })

export type SipConfig = z.output<typeof sipConfig>

/** Doors and what is told of them stay; rules and limits count from the next call on. */
export const sipReload = {
  listen: 'restart',
  tls: 'restart',
  ws: 'restart',
  listeners: 'restart',
  trust: 'restart',
  external: 'restart',
  local: 'restart',
  ports: 'restart',
  latch: 'next-session',
  srtp: 'next-session',
  codecs: 'next-session',
  video: 'next-session',
  challenge: 'live',
  routes: 'live',
  accounts: 'restart',
  trunks: 'restart',
  outbound: 'live',
  limits: 'live',
  timeouts: 'next-session',
  sessionExpiresS: 'next-session',
  minSessionS: 'next-session',
} as const satisfies Record<keyof SipConfig, ReloadClass>
