/** All calls of one gateway: signalling, ports and limits are opened here, and calls come in and go out. */
import { readFile } from 'node:fs/promises'
import { rootCertificates } from 'node:tls'
import type { Scope } from '../../core/types.ts'
import { GatewayError, toGatewayError } from '../../errors.ts'
import { loadNative } from '../../native/index.ts'
import { plainAddress } from '../../net/networks.ts'
import { createPacedAudio } from '../../rtp-session/plain/paced-audio.ts'
import { createRtpPorts } from '../../rtp-session/plain/ports.ts'
import type { RtpEndpoint, RtpEndpointOptions, RtpPorts } from '../../rtp-session/plain/types.ts'
import type { AdapterContext } from '../adapter.ts'
import type { AccountInfo, CallEvent, DigitsWay } from '../call-desk.ts'
import { accessOf, refusalOf } from './access-question.ts'
import { Accounts } from './accounts.ts'
import type { BoundAddress, Source, Target } from './addresses.ts'
import { CallList } from './call-list.ts'
import type { Board, PlacedCall } from './calls/board.ts'
import type { Call } from './calls/call.ts'
import type { CallRefusal } from './calls/codes.ts'
import { placeCall } from './calls/place-call.ts'
import { type Admitted, receiveCall } from './calls/receive-call.ts'
import { replacedBy } from './calls/replaced-call.ts'
import { digitsWays, sendDigits } from './calls/send-digits.ts'
import { watchSilence } from './calls/watch-silence.ts'
import type { SipConfig } from './config.ts'
import { createSignalling } from './create-signalling.ts'
import { type Calling, judgeCall } from './dial-plan.ts'
import { doorsOf, openDoors } from './doors.ts'
import { allowanceOf, callingOf, noteRefusal, screenRequest } from './incoming.ts'
import type { IncomingInvite } from './incoming-invite.ts'
import type { SipRequest, SipUri } from './message/types.ts'
import { Refusals } from './refusals.ts'
import type { Verdict } from './request.ts'
import type { Signalling, SignallingOptions } from './signalling.ts'

const LOOK_US = 1_000_000
/** BYEs and CANCELs are waited for so long when everything ends. */
const GRACE_MS = 500

export interface SwitchboardParts {
  readonly context: AdapterContext
  readonly config: SipConfig
  readonly tell: (event: CallEvent) => void
  /** For tests: another network. */
  readonly openSignalling?: (options: SignallingOptions) => Promise<Signalling>
  readonly ports?: RtpPorts
}

/** Further authorities beside those that Node knows. @throws GatewayError 'bad-config' */
const withOwnRoots = async (file: string): Promise<string> => {
  const own = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new GatewayError('bad-config', `sip.trust.caFile: ${cause.message}`, { cause })
  })
  return [...rootCertificates, own].join('\n')
}

export class Switchboard implements Board {
  readonly context: AdapterContext
  readonly config: SipConfig
  readonly calls: CallList
  readonly refusals: Refusals
  readonly scope: Scope
  readonly #parts: SwitchboardParts
  readonly #ports: RtpPorts
  #signalling: Signalling | undefined
  #accounts: Accounts | undefined

  private constructor(parts: SwitchboardParts) {
    const { config, tell } = parts
    this.#parts = parts
    this.scope = parts.context.scope.child('switchboard')
    this.context = { ...parts.context, scope: this.scope }
    this.config = config
    this.calls = new CallList(config)
    const { clock, log } = this.context
    this.refusals = new Refusals({
      clock,
      log,
      most: () => config.limits.refusalsPerSource,
      spares: ip => this.#accounts?.accountOf(ip, '') !== undefined || this.calls.hasPeer(ip),
      onRefused: (refused, count) => tell({ type: 'call:refused', ...refused, refused: count }),
    })
    this.#ports = parts.ports ?? createRtpPorts({ native: loadNative(), clock })
    this.scope.defer(() => this.#ports.close('the gateway shuts down'))
  }

  /** @throws GatewayError 'port-in-use', 'bad-config', 'dependency-missing' */
  static async open(parts: SwitchboardParts): Promise<Switchboard> {
    const board = new Switchboard(parts)
    try {
      await board.#open()
      return board
    } catch (thrown) {
      const error = toGatewayError(thrown)
      await board.scope.close({ code: 'failed', detail: error.message, error })
      throw error
    }
  }

  get signalling(): Signalling {
    return this.#signalling!
  }

  get addresses(): readonly BoundAddress[] {
    return this.signalling.addresses
  }

  accounts(): readonly AccountInfo[] {
    return this.#accounts?.infos() ?? []
  }

  counters(): Readonly<Record<string, number>> {
    const { received, sent, retransmitted, malformed, refused } = this.signalling.stats()
    const { total, dropped } = this.refusals
    const causes = Object.entries(refused).map(([cause, count]) => [
      `refused_${cause.replaceAll('-', '_')}`,
      count,
    ])
    return {
      received,
      sent,
      retransmitted,
      malformed,
      ...Object.fromEntries(causes),
      calls_refused: total,
      dropped,
    }
  }

  routeThrough(account: string): readonly SipUri[] {
    return this.#accounts?.routeThrough(account) ?? []
  }

  openEndpoint(options: RtpEndpointOptions): RtpEndpoint {
    return this.#ports.open(options)
  }

  createPacedAudio: Board['createPacedAudio'] = (send, format) =>
    createPacedAudio(send, format, this.context.clock)

  toldAddress(peer: string, local = this.addresses[0]!): string {
    return this.signalling.hostTowards(local, peer)
  }

  doorTowards(target: Target): BoundAddress {
    return this.addresses[this.signalling.doorTowards(target)] ?? this.addresses[0]!
  }

  admit(account: string | undefined): void {
    this.calls.admitOwn(account)
  }

  dial(request: PlacedCall): Promise<Call> {
    return placeCall(this, request, call => this.calls.add(call))
  }

  tell(event: CallEvent): void {
    if (event.type === 'call:dtmf') this.#passOn(event.call.publish, event.digit, event.how)
    this.#parts.tell(event)
  }

  /** Whoever hears this call's stream by a call of its own gets its digits too: tones are in its sound already. */
  #passOn(stream: string | undefined, digit: string, how: DigitsWay): void {
    if (stream === undefined) return
    for (const call of this.calls.values())
      if (
        call.hearing.stream === stream &&
        call.state === 'live' &&
        (how !== 'inband' || digitsWays(call)[0] !== how)
      )
        sendDigits(call, digit).catch((error: Error) =>
          call.log.warn({ digit }, `a digit could not be passed on: ${error.message}`),
        )
  }

  async #open(): Promise<void> {
    const { context, config, scope } = this
    const { clock, log } = context
    const { sessionExpiresS, minSessionS, trust } = config
    const doors = await doorsOf(context, config, (door, pair) => this.#signalling?.renew(door, pair))
    const options: Omit<SignallingOptions, 'addresses'> = {
      clock,
      log,
      userAgent: 'Crosspoint',
      screen: (request, source) => this.#screen(request, source),
      onInvite: invite => this.#receive(invite),
      supported: ['replaces'],
      // A challenge is part of every signed call; a wrong password is a guess.
      onRefused: (cause, { ip, isProven = false }) => {
        if (cause === 'wrong-password') this.refusals.blame(plainAddress(ip), isProven)
      },
      allowanceOf: (request, { ip }) => allowanceOf(config, this.#accountOf(request, { ip }), ip),
      sessionTimer: { expiresS: sessionExpiresS, minimumS: minSessionS },
      rejectUnauthorized: trust.rejectUnauthorized,
      ...(trust.caFile !== undefined && { ca: await withOwnRoots(trust.caFile) }),
    }
    const open = this.#parts.openSignalling ?? createSignalling
    const signalling = await openDoors(doors, addresses => open({ ...options, addresses }))
    this.#signalling = signalling
    scope.defer(() => signalling.close(GRACE_MS))
    this.#accounts = new Accounts({
      ...{ config, clock, log, signalling },
      calls: name => this.calls.ofAccount(name),
      changed: account => this.tell({ type: 'account:changed', account }),
    })
    scope.defer(() => this.#accounts?.close(GRACE_MS))
    this.#look()
  }

  /** A fault of ours is this request's, and nobody else's. */
  #screen(request: SipRequest, source: Source): Verdict {
    const { config, refusals, calls } = this
    const accountOf = (): string | undefined => this.#accountOf(request, source)
    try {
      // Who takes the place of a call is none more.
      const full = (calling: Calling) => (request.headers.has('replaces') ? undefined : calls.full(calling))
      const isOfCall = () => this.#isOfCall(request, source)
      return screenRequest({ config, refusals, accountOf, full, isOfCall }, request, source)
    } catch (err) {
      this.context.log.error({ err }, 'a request could not be judged')
      return { action: 'reject', code: 500 }
    }
  }

  /** A call takes the place of one that is there; whoever is in one may ask whether we are. */
  #isOfCall(request: SipRequest, { ip }: Source): boolean {
    if (request.method !== 'INVITE') return this.calls.hasPeer(plainAddress(ip))
    const old = replacedBy(request, this.calls.values())
    return old !== undefined && 'id' in old
  }

  #accountOf({ uri }: SipRequest, { ip }: Pick<Source, 'ip'>): string | undefined {
    return this.#accounts?.accountOf(ip, uri.user)
  }

  /** What was admitted before it was signed is judged again, now that it is known by whom. */
  #receive(invite: IncomingInvite): void {
    const { request, source, user } = invite
    const calling = callingOf(request, source, this.#accountOf(request, source), user)
    const verdict = judgeCall(this.config.routes, calling)
    if (verdict.outcome !== 'admitted') {
      const unsigned = { code: 403, detail: 'it is not signed by whom the rule names' }
      this.#refuse(invite, calling, verdict.outcome === 'refused' ? verdict : unsigned)
      return
    }
    const { admitCall } = this.context
    const old = replacedBy(request, this.calls.values())
    if (old !== undefined && 'code' in old) this.#refuse(invite, calling, old)
    else if (admitCall === undefined) this.#begin(invite, verdict, calling)
    else
      admitCall(accessOf(this.config, invite, verdict, calling, old))
        .then(
          () => this.#begin(invite, verdict, calling),
          (thrown: unknown) => this.#refuse(invite, calling, refusalOf(thrown)),
        )
        .catch((err: unknown) => this.#fail(invite, err))
  }

  /** A fault of ours ends this call, and nothing else. */
  #fail(invite: IncomingInvite, err: unknown): void {
    this.context.log.error({ err }, 'a call could not be received')
    invite.reject(500)
  }

  #refuse(invite: IncomingInvite, calling: Calling, { code, detail, retryAfterS = 5 }: CallRefusal): void {
    if (invite.state !== 'ringing') return
    noteRefusal(this.refusals, invite.request, calling, code, detail)
    invite.reject(code, code === 503 ? { headers: { 'Retry-After': String(retryAfterS) } } : {})
  }

  #begin(invite: IncomingInvite, verdict: Admitted, calling: Calling): void {
    const old = replacedBy(invite.request, this.calls.values())
    const refusal = old === undefined ? this.calls.full(calling) : 'code' in old ? old : undefined
    if (refusal !== undefined) this.#refuse(invite, calling, refusal)
    // Whoever hung up while somebody was asked has its answer.
    if (invite.state !== 'ringing') return
    this.refusals.forgive(calling.remote, calling.isProven === true)
    try {
      const taken = old !== undefined && 'id' in old ? old : undefined
      receiveCall(this, invite, verdict, calling, call => this.calls.add(call), taken)
    } catch (err) {
      this.#fail(invite, err)
    }
  }

  #look(): void {
    const { clock } = this.context
    const cancel = clock.after(LOOK_US, () => {
      const now = clock.now()
      for (const call of this.calls.values()) watchSilence(call, now)
      stop()
      if (!this.scope.signal.aborted) this.#look()
    })
    const stop = (): void => this.scope.signal.removeEventListener('abort', cancel)
    this.scope.signal.addEventListener('abort', cancel)
  }
}
