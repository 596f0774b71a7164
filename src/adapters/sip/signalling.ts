/**
 * What the call state machine builds on: SIP without media. Behind it lie transports, transactions, dialogs, digest,
 * reliable provisional responses and session timers; bodies pass unread.
 */
import type { Clock } from '../../core/types.ts'
import type { HostAddress, Logger } from '../adapter.ts'
import type { BoundAddress, ListenAddress, Source, Target, TransportKind } from './addresses.ts'
import type { IncomingInvite } from './incoming-invite.ts'
import type { NameAddr, SipRequest, SipUri } from './message/types.ts'
import type { InviteOptions, OutgoingInvite, OutgoingInviteEvents } from './outgoing-invite.ts'
import type { IncomingRequest, RequestOptions, RequestResult, Verdict } from './request.ts'

export interface Signalling {
  /** As bound, in the order asked for. */
  readonly addresses: readonly BoundAddress[]
  /** Begins at once. Failures come as `rejected`, never as an exception. */
  invite(options: InviteOptions, events: OutgoingInviteEvents): OutgoingInvite
  /** REGISTER, OPTIONS, MESSAGE…, with one answer to each digest challenge. Never rejects: 408 and 503 are made up. */
  request(options: RequestOptions): Promise<RequestResult>
  /** A Contact that leads back to the door, for REGISTER. `towards`: as the peer at that address finds us. */
  contact(door: number, user?: string, towards?: string): NameAddr
  /** The index of the door that requests to `target` leave by; -1: of none, for its transport has no door. */
  doorTowards(target: Target): number
  /** Our own host as the peer at `ip` should see it: the external one, else the bound one, for SDP. */
  hostTowards(local: BoundAddress, ip: string): string
  /** Handshakes of a 'tls' or 'wss' door from now on show this certificate. */
  renew(door: number, certificate: NonNullable<ListenAddress['certificate']>): void
  /** Where to a target leads, in the order of RFC 3263. @throws GatewayError 'connect-failed', 'forbidden' */
  locate(uri: SipUri): Promise<readonly Target[]>
  /**
   * How the peer at `ip` sees us, as a registrar tells it: Contact, Via and SDP say so towards it from now on, unless the
   * door has an external address. undefined: as before.
   */
  learn(ip: string, seen: { readonly host: string; readonly port: number } | undefined): void
  /** An empty line towards the target, which keeps a NAT binding open (RFC 5626 4.4.1 on streams, CRLF on UDP). */
  keepAlive(target: Target, door?: number): void
  stats(): SignallingStats
  /** Ends calls with BYE or CANCEL, waits at most `graceMs` for the answers, closes the doors. */
  close(graceMs?: number): Promise<void>
}

/** Counters only grow; gauges are named so. */
export interface SignallingStats {
  readonly received: number
  readonly sent: number
  readonly retransmitted: number
  readonly malformed: number
  /** Requests not let in, by cause. */
  readonly refused: Readonly<Record<RefusalCause, number>>
  readonly gauges: {
    readonly serverTransactions: number
    readonly clientTransactions: number
    readonly dialogs: number
    readonly connections: number
    readonly sources: number
  }
}

export type RefusalCause =
  | 'rate'
  | 'full'
  | 'screen'
  | 'unsigned'
  | 'wrong-password'
  | 'unknown-dialog'
  | 'merged'
  | 'unsupported'
  | 'malformed'

/** One line of the log of messages. `bytes` is the message itself: credentials are in it. */
export interface TraceEntry {
  readonly direction: 'in' | 'out'
  readonly transport: TransportKind
  readonly local: string
  readonly remote: string
  readonly bytes: Buffer
}

/** What new requests are counted against. */
export interface Allowance {
  /** Whose it is: all that name the same share it, as far as they show as much of themselves. */
  readonly of: string
  readonly perSecond: number
  readonly burst: number
}

export interface SignallingLimits {
  /**
   * New requests of one source address in a second, over a burst; the next are answered 503, far too many not at all.
   * What comes by a connection, and what bears a nonce that was sent there, has as much of its own.
   */
  readonly requestsPerSecond: number
  readonly burst: number
  readonly serverTransactions: number
  readonly clientTransactions: number
  readonly connections: number
  readonly connectionsPerSource: number
  readonly messageBytes: number
}

export interface SessionTimerOptions {
  /** Asked for when the peer asks for nothing, and at most granted. Default 1800; 0: no session timer of our own. */
  readonly expiresS: number
  /** Shorter wishes are answered 422. Default 90. */
  readonly minimumS: number
}

/** The part of `node:dns/promises` that is used. */
export interface DnsResolver {
  resolveNaptr(name: string): Promise<readonly NaptrRecord[]>
  resolveSrv(name: string): Promise<readonly SrvRecord[]>
  /** A and AAAA, as the host's resolver orders them. */
  lookup(host: string): Promise<readonly HostAddress[]>
}
export interface NaptrRecord {
  readonly order: number
  readonly preference: number
  readonly flags: string
  readonly service: string
  readonly replacement: string
}
export interface SrvRecord {
  readonly name: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}

export interface SignallingOptions {
  readonly addresses: readonly ListenAddress[]
  readonly clock: Clock
  readonly log: Logger
  readonly userAgent: string
  /**
   * Before any state is made: each request outside a call that is well-formed and within the limits, but OPTIONS. It
   * costs the same for every one of a flood: no I/O.
   */
  readonly screen: (request: SipRequest, source: Source) => Verdict
  /** Whose allowance a new request takes, and how large it is. Absent, or undefined: that of its address, by `limits`. */
  readonly allowanceOf?: (request: SipRequest, source: Source) => Allowance | undefined
  readonly onInvite: (invite: IncomingInvite) => void
  /** Other requests outside a call. Absent: 405. */
  readonly onRequest?: (request: IncomingRequest) => void
  /** Each request that was not let in, but for those that `screen` refused itself. */
  readonly onRefused?: (cause: RefusalCause, source: Source, detail: string) => void
  readonly trace?: (entry: TraceEntry) => void
  readonly limits?: Partial<SignallingLimits>
  readonly sessionTimer?: Partial<SessionTimerOptions>
  /** Option tags understood above ('replaces'), besides 100rel and timer. */
  readonly supported?: readonly string[]
  /** Methods taken above outside a call, besides those of a call. */
  readonly allow?: readonly string[]
  readonly resolver?: DnsResolver
  /** Roots that TLS peers are checked against; default those of Node. */
  readonly ca?: string | Buffer
  /** false: any certificate of a TLS peer is taken. Default true. */
  readonly rejectUnauthorized?: boolean
}
