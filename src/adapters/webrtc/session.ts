/** One WHIP or WHEP resource: its transport, its scope, and the one way it ends. */
import { randomBytes } from 'node:crypto'
import { describeReason } from '../../core/scope.ts'
import type { CloseReason, LinkStats, Scope } from '../../core/types.ts'
import type { AdapterContext, Logger } from '../adapter.ts'
import type { Candidate, LocalTransport } from './answer.ts'
import type { WebRtcConfig } from './config.ts'
import { diagnose } from './diagnose.ts'
import type { Offer } from './offer.ts'
import type { WebRtcPort } from './port.ts'
import type { Transport } from './transport.ts'

/** What all sessions of the adapter share. */
export interface SessionHost {
  readonly context: AdapterContext
  readonly config: WebRtcConfig
  readonly port: WebRtcPort
  readonly candidates: readonly Candidate[]
  readonly sessions: Map<string, Session>
}

export interface SessionRequest {
  readonly stream: string
  /** IP address of the HTTP peer. */
  readonly remote: string
  /** What it showed, as `credentialOf` gives it. */
  readonly credential: string | undefined
  readonly userAgent: string
}

export type SessionKind = 'whip' | 'whep'

/** A random SSRC; never 0, which some peers take for "none". */
export const randomSsrc = (): number => randomBytes(4).readUInt32BE(0) || 1

export class Session {
  /** Unguessable: it is all one needs to end the session. */
  readonly id = randomBytes(18).toString('base64url')
  readonly kind: SessionKind
  readonly request: SessionRequest
  readonly offer: Offer
  readonly transport: Transport
  readonly scope: Scope
  readonly local: LocalTransport
  readonly log: Logger
  /** Numbers of the media, for the API and the last line of the log. */
  mediaStats: () => readonly object[] = () => []
  /** What is known of the way to the peer. */
  link: () => LinkStats | undefined = () => undefined
  /** Says goodbye to the peer; set by whoever runs the media. */
  onClose: (reason: string) => void = () => {}
  readonly #host: SessionHost

  /** @throws GatewayError 'bad-request' when a fingerprint of the offer is of no use */
  constructor(host: SessionHost, kind: SessionKind, request: SessionRequest, offer: Offer) {
    this.#host = host
    this.kind = kind
    this.request = request
    this.offer = offer
    this.transport = host.port.open(offer)
    this.scope = host.context.scope.child(`${kind} ${this.id.slice(0, 6)}`)
    this.log = host.context.log.child({ session: this.id.slice(0, 6), stream: request.stream, kind })
    this.local = {
      iceUfrag: this.transport.ice.localUfrag,
      icePwd: this.transport.ice.localPwd,
      fingerprintSha256: host.port.certificate.fingerprintSha256,
      candidates: host.candidates,
      sessionId: String(randomBytes(8).readBigUInt64BE() >> 1n),
      cname: randomBytes(12).toString('base64url'),
    }
    host.sessions.set(this.id, this)
    this.scope.defer(() => this.#end())
  }

  get label(): string {
    return `${this.kind} ${this.request.remote}`
  }

  /** Entity tag of the ICE session (RFC 9725 4.3.1). */
  get etag(): string {
    return `"${this.local.iceUfrag}"`
  }

  close(reason: CloseReason): Promise<void> {
    return this.scope.close(reason)
  }

  get stats(): object {
    const { isConnected, counters, ice } = this.transport
    return {
      connected: isConnected,
      address: this.#address(ice.selected),
      ...counters,
      media: this.mediaStats(),
    }
  }

  #address(id: number | undefined): string | undefined {
    if (id === undefined) return undefined
    const { ip, port } = this.#host.port.socket.addressOf(id)
    return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`
  }

  #end(): void {
    const reason = this.scope.signal.reason as CloseReason
    const { stats } = this
    if (!this.transport.isConnected && reason.code === 'timeout') this.#reportFailure(stats)
    else this.log.info(stats, `${this.label} ended: ${describeReason(reason)}`)
    this.onClose(describeReason(reason))
    this.#host.port.release(this.transport)
    this.#host.sessions.delete(this.id)
  }

  #reportFailure(stats: object): void {
    const { candidates, port } = this.#host
    const where = candidates.map(({ ip, port: at }) => `${ip} udp/${at}`).join(', ')
    const strangers = port.counters
    this.log.warn(
      { ...stats, candidates: where, strangers },
      `${this.label} never connected: ${diagnose(this.transport.counters, where)}`,
    )
  }
}
