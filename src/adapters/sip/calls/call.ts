/** One call from its first message to its end: what state it is in, what may be done with it, and the one way it ends. */
import { randomBytes } from 'node:crypto'
import { reasonOf } from '../../../core/scope.ts'
import type { CloseReason, Scope } from '../../../core/types.ts'
import { GatewayError, toGatewayError } from '../../../errors.ts'
import type { Digit } from '../../../media/dtmf/digits.ts'
import type { Logger } from '../../adapter.ts'
import type { CallHold, CallInfo, CallReason, CallState, CallWait, TransferResult } from '../../call-desk.ts'
import { type CallDigits, createCallDigits } from '../media/call-digits.ts'
import type { Agreement, Offered } from '../offer-answer/types.ts'
import type { Session } from '../session.ts'
import type { Board } from './board.ts'
import type { CallAbout, CallPurpose, Farewell } from './call-about.ts'
import { callAccepts } from './call-egress.ts'
import { CallMedia, type CallTerms } from './call-media.ts'
import { sipCodeOf } from './codes.ts'
import { createHearing } from './create-hearing.ts'
import type { Hearing } from './hearing.ts'
import { pictureFastUpdate } from './picture-fast-update.ts'
import { publishCall } from './publish-call.ts'

const closeCodeOf = ({ by, code }: CallReason): CloseReason['code'] => {
  if (code === 408) return 'timeout'
  if (by === 'them') return code >= 300 ? 'failed' : 'source-ended'
  return code >= 400 ? 'failed' : 'unpublished'
}

export class Call {
  readonly id = randomBytes(4).toString('hex')
  readonly about: CallAbout
  readonly board: Board
  readonly scope: Scope
  readonly log: Logger
  readonly media: CallMedia
  readonly hearing: Hearing
  readonly digits: CallDigits
  callId = ''
  /** Whoever acknowledged our answer has got it. */
  isProven: boolean
  session: Session | undefined
  farewell: Farewell = () => undefined
  purpose: CallPurpose = {}
  /** Between the answer and its streams. */
  waitsFor: CallWait | undefined
  /** A digit was pressed at the far side. */
  onDigit: (digit: Digit) => void = () => undefined
  onRinging: () => void = () => undefined
  onAnswered: () => void = () => undefined
  /** An offer of ours in a 2xx, whose answer comes with the ACK. */
  lateOffer: Offered | undefined
  /** A transfer that we asked for, until it is known how it went. */
  transferring: PromiseWithResolvers<TransferResult> | undefined
  readonly #since: number
  readonly #live: PromiseWithResolvers<CallInfo> = Promise.withResolvers()
  readonly #done: PromiseWithResolvers<CallInfo> = Promise.withResolvers()
  readonly #remarks: string[] = []
  #state: CallState
  #hold: CallHold = 'none'
  #joined = false
  #answeredAt: number | undefined
  #endedAt: number | undefined
  #reason: CallReason | undefined

  constructor(board: Board, about: CallAbout, terms: CallTerms) {
    const { context } = board
    this.board = board
    this.about = about
    this.isProven = about.isProven
    this.scope = context.scope.child(`call ${this.id}`)
    this.log = context.log.child({ call: this.id, direction: about.direction, peer: about.peer })
    this.#since = context.clock.wall()
    this.#state = about.direction === 'inbound' ? 'ringing' : 'dialling'
    this.digits = createCallDigits({
      clock: context.clock,
      onDigit: (digit, way) => this.#pressed(digit, way),
    })
    this.media = new CallMedia({
      ...{ board, terms, digits: this.digits, peer: about.peerIp, local: about.local },
      hears: () => this.hearing.stream ?? this.purpose.hear,
      onStrangers: (kind, from, count) =>
        this.log.warn({ kind, from, count }, `${count} packets of ${from} dropped`),
    })
    this.hearing = createHearing(this)
    this.scope.signal.addEventListener('abort', () => this.#condemned(reasonOf(this.scope.signal)))
    this.scope.defer(() => this.#ended())
    this.scope.defer(() => this.media.close(this.#reason?.detail ?? 'the call is over'))
  }

  get state(): CallState {
    return this.#state
  }

  get hold(): CallHold {
    return this.#hold
  }

  get reason(): CallReason | undefined {
    return this.#reason
  }

  /** Resolves with the last state when the call is over; never rejects. */
  get done(): Promise<CallInfo> {
    return this.#done.promise
  }

  /** Resolves when it is answered; perhaps never. */
  get whenLive(): Promise<CallInfo> {
    return this.#live.promise
  }

  get isOver(): boolean {
    return this.#reason !== undefined
  }

  /** It is published, and hears what it is to hear. */
  get isJoined(): boolean {
    return this.#joined
  }

  get label(): string {
    return `sip ${this.about.peerIp}`
  }

  /** Takes the name of the stream that it is to become. @throws GatewayError 'name-taken', 'bad-name' */
  publish(): void {
    const end = (detail: string): void => void this.end({ code: 0, by: 'us', detail })
    publishCall(this, this.purpose, () => this.#requestKeyframe(), end)
  }

  /** From now on it is published and hears what it is to hear. */
  async join(): Promise<void> {
    if (this.isOver) return
    this.publish()
    this.#joined = true
    await this.#hearAtLast()
  }

  /** Nothing can be heard before it is agreed how. A caller that was answered goes on, whatever it hears. */
  async #hearAtLast(): Promise<void> {
    const { hear } = this.purpose
    if (!this.#joined || hear === undefined || this.hearing.stream !== undefined) return
    if (this.media.lines.length === 0) return
    await (this.about.direction === 'inbound' ? this.hearing.wish(hear) : this.hearing.hear(hear))
  }

  /** What went otherwise than it should, and yet the call goes on. */
  remark(text: string): void {
    this.#remarks.push(text)
    this.log.warn({}, `call ${this.id}: ${text}`)
  }

  ringing(): void {
    if (this.#state !== 'dialling' && this.#state !== 'ringing') return
    this.#state = 'ringing'
    this.onRinging()
    this.board.tell({ type: 'call:ringing', call: this.info })
  }

  /** Sound before the answer. */
  early(agreement: Agreement): void {
    if (this.isOver) return
    this.media.adopt(agreement)
    if (this.#state === 'early') return
    this.#state = 'early'
    this.board.tell({ type: 'call:early', call: this.info })
  }

  /** What is heard before the answer is published as well. */
  publishEarly(): void {
    if (this.purpose.takesOver === true) return
    try {
      this.publish()
    } catch (thrown) {
      this.fail(thrown)
    }
  }

  answered(session: Session): void {
    this.session = session
    this.callId = session.callId
    this.#answeredAt = this.board.context.clock.wall()
    this.#state = 'live'
    this.log.info(this.#names(), `call ${this.id} answered`)
    this.onAnswered()
    this.board.tell({ type: 'call:answered', call: this.info })
    this.#live.resolve(this.info)
  }

  /** What was agreed, now or anew; the far side is told nothing. */
  adopt(agreement: Agreement): void {
    if (this.isOver) return
    const before = this.media.lines
    const known = this.media.remarks
    this.media.adopt(agreement)
    const news = this.media.remarks.filter(remark => !known.includes(remark))
    if (news.length > 0) this.log.info({}, `call ${this.id}: ${news.join(' · ')}`)
    this.#noteHold()
    if (before.length > 0) void this.hearing.replan(callAccepts(agreement.lines))
    else void this.#hearAtLast().catch((thrown: unknown) => this.fail(thrown))
  }

  /** Idempotent; the first reason stands. Resolves when nothing of the call is left. */
  async end(reason: CallReason): Promise<void> {
    if (this.#reason === undefined) {
      this.#reason = reason
      this.#state = 'ending'
      this.farewell(reason)
      await this.scope.close({ code: closeCodeOf(reason), detail: reason.detail })
    }
    await this.scope.closed
  }

  /** Something went wrong here. */
  fail(thrown: unknown): void {
    const error = toGatewayError(thrown)
    void this.end({ code: sipCodeOf(error), by: 'us', detail: error.message })
  }

  get info(): CallInfo {
    const { direction, from, to, peer, account, routeName } = this.about
    // Until it is answered: what it will be and what it waits for.
    const planned: CallPurpose =
      this.#joined || this.isOver || this.waitsFor !== undefined ? {} : this.purpose
    return {
      ...{ id: this.id, protocol: 'sip', direction, state: this.#state, hold: this.#hold },
      waitsFor: this.isOver ? undefined : this.waitsFor,
      ...{ from, to, peer, account, ...this.about.identity },
      callId: this.callId,
      route: routeName,
      publish: this.media.ingest?.stream ?? planned.publish,
      hear: this.hearing.stream ?? planned.hear,
      hearError: this.hearing.error,
      since: this.#since,
      answeredAt: this.#answeredAt,
      endedAt: this.#endedAt,
      reason: this.#reason,
      media: this.media.info(),
      remarks: [...this.media.remarks, ...this.#remarks],
    }
  }

  /** @throws GatewayError 'closed' when it is not answered, or over */
  liveSession(): Session {
    if (this.session === undefined || this.isOver)
      throw new GatewayError('closed', `call ${this.id} is ${this.#state}, not live`)
    return this.session
  }

  #noteHold(): void {
    const them = this.media.heldByPeer
    const us = this.media.held
    const hold: CallHold = them ? (us ? 'both' : 'by-them') : us ? 'by-us' : 'none'
    if (hold === this.#hold) return
    this.#hold = hold
    this.log.info({ hold }, hold === 'none' ? `call ${this.id} resumed` : `call ${this.id} on hold ${hold}`)
    this.board.tell({ type: hold === 'none' ? 'call:resumed' : 'call:held', call: this.info })
  }

  #pressed(digit: Digit, way: 'rfc4733' | 'info' | 'in-band'): void {
    const how = way === 'rfc4733' ? 'rtp' : way === 'in-band' ? 'inband' : 'info'
    this.onDigit(digit)
    this.board.tell({ type: 'call:dtmf', call: this.info, digit, how })
  }

  /** RTCP where the far side takes it, else by INFO (RFC 5168). */
  #requestKeyframe(): void {
    if (this.media.requestKeyframe() || this.session === undefined || this.isOver) return
    void this.session.info(pictureFastUpdate)
  }

  /** The scope is closed from above: the gateway shuts down. */
  #condemned({ code, detail }: CloseReason): void {
    if (this.#reason !== undefined) return
    this.#reason = { code: code === 'shutdown' ? 503 : 0, by: 'us', detail: detail ?? code }
    this.#state = 'ending'
    this.farewell(this.#reason)
  }

  #ended(): void {
    const reason = this.#reason ?? { code: 0, by: 'us', detail: 'closed' }
    this.#reason = reason
    this.#state = 'ended'
    this.#endedAt = this.board.context.clock.wall()
    const { info } = this
    const who = reason.by === 'us' ? 'here' : 'by the far side'
    this.log.info({ ...this.#names(), code: reason.code }, `call ${this.id} ended ${who}: ${reason.detail}`)
    this.board.tell({ type: 'call:ended', call: info, reason })
    this.#done.resolve(info)
  }

  #names(): object {
    const { from, to, account, routeName } = this.about
    const codecs = this.media.lines.map(({ codec }) => codec.id).join(', ')
    return { from, to, account, route: routeName, callId: this.callId, codecs }
  }
}
