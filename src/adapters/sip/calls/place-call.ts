/** A call that we make: rings there, may be heard before it is answered, is joined when it is. */
import { GatewayError } from '../../../errors.ts'
import type { CallReason } from '../../call-desk.ts'
import type { BoundAddress, Target } from '../addresses.ts'
import type { SipAccount, SipTrunk } from '../config/account.ts'
import { noParams } from '../message/params.ts'
import type { NameAddr, SipUri } from '../message/types.ts'
import { formatUri, hostOfIp, parseUri } from '../message/uri.ts'
import { applyAnswer } from '../offer-answer/apply-answer.ts'
import { makeOffer } from '../offer-answer/make-offer.ts'
import type { Agreement, Offered } from '../offer-answer/types.ts'
import { judgeOutbound } from '../outbound-plan.ts'
import type { InviteOptions, OutgoingInvite, Provisional, Rejection } from '../outgoing-invite.ts'
import type { Session } from '../session.ts'
import type { Board, PlacedCall } from './board.ts'
import { Call } from './call.ts'
import type { CallTerms } from './call-media.ts'
import { byeReason } from './codes.ts'
import { offerOf, takeAnswer } from './renegotiate.ts'
import { isSdp, sdpBody } from './session-description.ts'
import { sessionEvents } from './session-events.ts'

/** Redirections that are followed in one call. */
const MAX_REDIRECTS = 5

/** Whom we call, through whom, and as whom. */
interface Way {
  readonly target: SipUri
  readonly account: string | undefined
  readonly isNamed: boolean
  readonly through: SipAccount | SipTrunk | undefined
}

type Targets = readonly Target[]

interface RoutedWay extends Way {
  readonly route: readonly SipUri[]
}

/** @throws GatewayError 'bad-url', 'forbidden', 'bad-request' */
export const wayTo = ({ config }: Pick<Board, 'config'>, text: string, account?: string): Way => {
  const given = parseUri(text.replace(/^(sips?):\/\//i, '$1:'))
  if (given === undefined)
    throw new GatewayError('bad-url', `no sip: or tel: address can be read in ${text.slice(0, 64)}`)
  const host = given.params.get('maddr')?.toLowerCase() ?? given.host
  const asked = { user: given.user, host, account }
  const way = judgeOutbound(config, asked)
  const through =
    way.account === undefined ? undefined : (config.accounts[way.account] ?? config.trunks[way.account])
  return { ...way, target: targetOf(given, through), through }
}

/** A number is called at the domain of the account; no password leaves in a URI. */
const targetOf = (given: SipUri, through: SipAccount | SipTrunk | undefined): SipUri => {
  if (given.scheme !== 'tel') {
    const { headers: _headers, ...uri } = given
    return uri
  }
  const domain = through && parseUri(through.uri)
  if (domain === undefined)
    throw new GatewayError('bad-url', 'a tel: number needs an account or trunk to be called through')
  return { ...domain, user: given.user, params: new Map([['user', 'phone']]) }
}

/** Carriers and plain phones stumble over pictures that nobody wants to send. */
const offersVideo = ({ config, context }: Board, { video, hear }: PlacedCall): boolean => {
  const tracks = hear === undefined ? [] : (context.registry.find(hear)?.tracks ?? [])
  return config.video && (video ?? tracks.some(({ kind }) => kind === 'video'))
}

const termsOf = ({ config }: Board, { through }: Way, video: boolean): CallTerms => ({
  codecs: through?.codecs ?? config.codecs,
  video,
  srtp: through?.srtp ?? config.srtp,
  direction: 'sendrecv',
})

/**
 * Where the next hop of a call is. Whom the configuration names may be anywhere; of whom `*` lets through, every address
 * must be one that may be reached, and those that were looked at are those called, whatever DNS says next.
 * @throws GatewayError 'forbidden', 'connect-failed'
 */
const findTargets = async (
  { signalling }: Board,
  hop: SipUri,
  { isNamed }: Way,
  { resolveHost }: PlacedCall,
): Promise<Targets> => {
  const targets = await signalling.locate(hop)
  if (targets.length === 0) throw new GatewayError('connect-failed', `${hop.host} has no address`)
  if (!isNamed && resolveHost !== undefined) await Promise.all(targets.map(({ ip }) => resolveHost(ip)))
  return targets
}

const addressOf = (uri: SipUri): NameAddr => ({ display: '', uri, params: noParams })

const fromOf = (board: Board, { through }: Way, target: Target, local: BoundAddress): NameAddr => {
  const text = through?.uri ?? board.config.outbound.from
  const own = text === undefined ? undefined : parseUri(text)
  if (own !== undefined) return addressOf(own)
  const host = hostOfIp(board.toldAddress(target.ip, local))
  return addressOf({ scheme: 'sip', user: 'crosspoint', host, params: noParams })
}

const credentialsOf = (through: SipAccount | SipTrunk | undefined) => {
  if (through?.password === undefined) return {}
  const user = through.user ?? parseUri(through.uri)?.user ?? ''
  return { credentials: { user, password: through.password.reveal() } }
}

const cancelReason = ({ detail }: CallReason): string => byeReason({ code: 487, by: 'us', detail })

/** One call with all its tries: another target, or without keys. */
class Attempt {
  readonly call: Call
  readonly #board: Board
  readonly #request: PlacedCall
  readonly #way: Way
  readonly #from: NameAddr
  readonly #route: readonly SipUri[]
  #targets: Targets
  #offered: Offered
  #invite: OutgoingInvite | undefined
  /** What was agreed for each phone that rings, by its tag. */
  readonly #early = new Map<string, Agreement>()
  #redirects = 0

  /** @throws GatewayError 'port-in-use' */
  constructor(board: Board, request: PlacedCall, way: RoutedWay, targets: Targets) {
    const target = targets[0]!
    this.#board = board
    this.#request = request
    this.#way = way
    this.#targets = targets
    this.#route = way.route
    const local = board.doorTowards(target)
    this.#from = fromOf(board, way, target, local)
    this.call = new Call(
      board,
      {
        direction: 'outbound',
        from: formatUri(this.#from.uri),
        to: formatUri(way.target),
        peer: `${target.transport} ${hostOfIp(target.ip)}:${target.port}`,
        peerIp: target.ip,
        local,
        isProven: true,
        account: way.account,
      },
      termsOf(board, way, offersVideo(board, request)),
    )
    const { publish, hear, publication, takesOver } = request
    this.call.purpose = { publish, hear, publication, takesOver }
    try {
      this.#offered = offerOf(this.call)
    } catch (thrown) {
      this.call.fail(thrown)
      throw thrown
    }
  }

  send(target = this.#way.target): void {
    const { call } = this
    call.farewell = reason => this.#invite?.cancel(cancelReason(reason))
    this.#invite = this.#board.signalling.invite(this.#options(target), {
      provisional: provisional => this.#provisional(provisional),
      accepted: (session, { body }) => this.#accepted(session, body),
      rejected: rejection => this.#rejected(rejection),
    })
    call.callId = this.#invite.callId
  }

  /** Nobody lets it ring for ever. */
  ringUntil(ringMs: number): void {
    const { call } = this
    const late = { code: 408, by: 'us', detail: `nobody answered within ${ringMs} ms` } as const
    const cancel = this.#board.context.clock.after(ringMs * 1000, () => {
      if (call.state !== 'live') void call.end(late)
    })
    void call.done.then(cancel)
    void call.whenLive.then(cancel)
  }

  #options(uri: SipUri): InviteOptions {
    return {
      uri,
      targets: this.#targets,
      from: this.#from,
      body: sdpBody(this.#offered.local),
      ...(this.#route.length > 0 && { route: this.#route }),
      ...credentialsOf(this.#way.through),
      ...(this.#request.headers !== undefined && { headers: this.#request.headers }),
    }
  }

  #provisional({ response, fork, body }: Provisional): void {
    const { call } = this
    if (call.isOver) return
    if (response.code >= 180) call.ringing()
    if (body === undefined || !isSdp(body)) return
    const agreement = this.#early.get(fork) ?? applyAnswer(this.#offered, body.content)
    if (agreement.outcome !== 'agreed') {
      call.log.info({ code: response.code }, `early media that does not fit: ${agreement.detail}`)
      return
    }
    this.#early.set(fork, agreement)
    call.early(agreement)
    call.publishEarly()
  }

  /** A 2xx without a description repeats what the same phone has agreed to before (RFC 3261 13.2.1). */
  #accepted(session: Session, body: Parameters<typeof takeAnswer>[2]): void {
    const { call } = this
    call.farewell = reason => session.bye(byeReason(reason))
    session.listen(sessionEvents(call))
    if (call.isOver) return
    const early = this.#early.get(session.remoteTag)
    if (body === undefined && early !== undefined) call.adopt(early)
    else if (!takeAnswer(call, this.#offered, body)) return
    call.answered(session)
    call.join().catch((thrown: unknown) => call.fail(thrown))
  }

  #rejected(rejection: Rejection): void {
    const { call } = this
    if (call.isOver) return
    call.farewell = () => undefined
    if (rejection.code < 300 || rejection.code >= 400) this.#refused(rejection)
    else
      this.#redirect(rejection.contacts).then(
        isSent => isSent || this.#refused(rejection),
        (thrown: unknown) => call.fail(thrown),
      )
  }

  #refused({ code, reason, detail, retryAfterS }: Rejection): void {
    const { call } = this
    if (call.isOver || this.#maySendPlain(code)) return
    const wait = retryAfterS === undefined ? '' : `, to be tried again in ${retryAfterS} s`
    void call.end({ code, by: 'them', detail: `${detail ?? `${code} ${reason}`}${wait}` })
  }

  /** Follows a 3xx as far as calls may lead there. false: it leads nowhere. */
  async #redirect(contacts: readonly NameAddr[]): Promise<boolean> {
    const { call } = this
    if (++this.#redirects > MAX_REDIRECTS) {
      call.log.warn({}, `call ${call.id} is not sent on any more: it was ${MAX_REDIRECTS} times`)
      return false
    }
    for (const { uri } of contacts) {
      const to = formatUri(uri)
      try {
        const way = wayTo(this.#board, to, this.#way.account)
        this.#targets = await findTargets(this.#board, this.#route[0] ?? way.target, way, this.#request)
        if (call.isOver) return true
        call.log.info({ to }, `call ${call.id} is sent on to ${to}`)
        this.send(way.target)
        return true
      } catch (error) {
        call.log.warn({ to }, `a redirection is not followed: ${(error as Error).message}`)
      }
    }
    return false
  }

  /** Some refuse a description because of the keys in it, which were only an offer. */
  #maySendPlain(code: number): boolean {
    const { call } = this
    if (code !== 488 || this.#offered.media.srtp !== 'optional') return false
    call.log.info({}, `call ${call.id}: 488 to an offer with keys, tried again without`)
    call.media.withoutSrtp()
    this.#offered = makeOffer(call.media.local())
    this.send()
    return true
  }
}

/**
 * Resolves as soon as the call is on its way. `begun` gets it before anything becomes of it.
 * @throws GatewayError 'forbidden', 'busy', 'bad-url', 'bad-request', 'connect-failed', 'port-in-use'
 */
export const placeCall = async (
  board: Board,
  request: PlacedCall,
  begun: (call: Call) => void,
): Promise<Call> => {
  const way = wayTo(board, request.to, request.account)
  const route = way.account === undefined ? [] : board.routeThrough(way.account)
  const targets = await findTargets(board, route[0] ?? way.target, way, request)
  board.admit(way.account)
  const attempt = new Attempt(board, request, { ...way, route }, targets)
  begun(attempt.call)
  attempt.ringUntil(request.ringMs ?? board.config.timeouts.ringMs)
  attempt.send()
  return attempt.call
}
