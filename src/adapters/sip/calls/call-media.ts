/** The media of one call: its lines, what was agreed for them, and where sound, pictures and digits go. */
import { randomInt } from 'node:crypto'
import type { EgressSink, LinkStats, OpenTrack } from '../../../core/types.ts'
import { toGatewayError } from '../../../errors.ts'
import type { Direction } from '../../../media/sdp/types.ts'
import type { RtpPacket } from '../../../media/types.ts'
import type { RtpEndpointListener, RtpFormat } from '../../../rtp-session/plain/types.ts'
import type { CallMedia as CallMediaInfo } from '../../call-desk.ts'
import type { BoundAddress } from '../addresses.ts'
import type { CallDigits } from '../media/call-digits.ts'
import { hostOfIp } from '../message/uri.ts'
import { answerOffer } from '../offer-answer/answer-offer.ts'
import { remarksOf } from '../offer-answer/remarks.ts'
import type {
  AgreedLine,
  Agreement,
  CallCodec,
  LocalLine,
  LocalMedia,
  Refusal,
  SrtpMode,
} from '../offer-answer/types.ts'
import type { Board } from './board.ts'
import type { CallIngest } from './call-ingest.ts'
import { CallLine, newKeys } from './call-line.ts'
import { sentPicture } from './sent-picture.ts'

type LineKind = AgreedLine['kind']
const KINDS: readonly LineKind[] = ['audio', 'video']

/** What is sent is as long as is usual (RFC 3551 4.2), and nothing else is promised. */
const PTIMES_MS = [20] as const
/** Stands for a port not yet opened: whether it will be is still being judged. */
const UNOPENED = { port: 9, rtcpPort: 10, keys: newKeys() } as const
/** NATs forget a quiet UDP binding after 30 s at the earliest (RFC 4787 4.3 wants more, many keep less). */
const KEEP_ALIVE_US = 10_000_000

/** What may be agreed for one call. */
export interface CallTerms {
  readonly codecs: readonly CallCodec[]
  readonly video: boolean
  readonly srtp: SrtpMode
  /** Both ways, or what one of the two ends only does. */
  readonly direction: 'sendrecv' | 'sendonly' | 'recvonly'
}

export interface CallMediaParts {
  readonly board: Board
  readonly terms: CallTerms
  /** IP address that the signalling comes from. */
  readonly peer: string
  /** The door of ours that it goes by: media is bound to its host too. */
  readonly local: BoundAddress
  readonly digits: CallDigits
  /** The stream that the far side hears and sees, or will. */
  hears(): string | undefined
  /** Sound or pictures came, or did not, on a line that should have had them. */
  onStrangers(kind: LineKind, from: string, count: number): void
}

export class CallMedia {
  /** Where media of the far side goes; undefined: nowhere yet. */
  ingest: CallIngest | undefined
  agreement: Agreement | undefined
  /** We have put the far side on hold. */
  held = false
  readonly #parts: CallMediaParts
  readonly #lines: { audio?: CallLine; video?: CallLine } = {}
  readonly #sessionId = randomInt(1, 2 ** 47)
  readonly #told: string
  #srtp: SrtpMode
  /** Why a line that was offered has no port. */
  #unopened: string | undefined
  #closed = false

  constructor(parts: CallMediaParts) {
    this.#parts = parts
    this.#srtp = parts.terms.srtp
    this.#told = parts.board.toldAddress(parts.peer, parts.local)
  }

  get lines(): readonly AgreedLine[] {
    return this.agreement?.lines ?? []
  }

  /** What was left out, and what may be wrong. */
  get remarks(): readonly string[] {
    const agreed = this.agreement === undefined ? [] : remarksOf(this.agreement)
    const halved = this.audio?.endpoint.stats.halvedClock === true
    return [
      ...agreed,
      ...(this.#unopened === undefined ? [] : [this.#unopened]),
      ...(halved ? ['the far side counts its G.722 at 16 kHz: its times are halved'] : []),
    ]
  }

  get audio(): CallLine | undefined {
    return this.#lines.audio
  }

  /** Encrypt nothing from now on: the far side has refused keys. */
  withoutSrtp(): void {
    this.#srtp = 'off'
  }

  /**
   * Opens what is not open yet and may be. A call that has sound goes without pictures when no port is left for them.
   * @throws GatewayError 'port-in-use'
   */
  prepare(kinds: readonly LineKind[]): void {
    this.#unopened = undefined
    for (const kind of KINDS)
      if (kinds.includes(kind) && this.#may(kind) && this.#lines[kind] === undefined) this.#begin(kind)
  }

  /**
   * Answers an offer of the far side; ports are opened for what is agreed only, as far as there are any.
   * @throws GatewayError 'port-in-use'
   */
  answer(offer: string): Agreement | Refusal {
    const verdict = answerOffer(offer, this.#local(true), this.agreement)
    if (verdict.outcome === 'refused') return verdict
    this.prepare(verdict.lines.map(({ kind }) => kind))
    return answerOffer(offer, this.local(), this.agreement)
  }

  /** This end of the call as an offer or an answer tells it. */
  local(): LocalMedia {
    return this.#local(false)
  }

  #local(isDraft: boolean): LocalMedia {
    const { peer } = this.#parts
    const isV6 = this.#told.includes(':')
    return {
      address4: isV6 ? undefined : this.#told,
      address6: isV6 ? this.#told : undefined,
      sessionId: this.#sessionId,
      srtp: this.#srtp,
      audio: this.#localLine('audio', isDraft),
      video: this.#localLine('video', isDraft),
      signallingFrom: peer,
    }
  }

  /** Takes what was agreed; a line that was left out is closed. */
  adopt(agreement: Agreement): void {
    if (this.#closed) return
    this.agreement = agreement
    const { latch } = this.#parts.board.config
    for (const kind of KINDS) {
      const agreed = agreement.lines.find(line => line.kind === kind)
      if (agreed === undefined) this.#drop(kind)
      else this.#lines[kind]?.adopt(agreed, latch, this.#parts.peer)
      this.#lines[kind]?.mute(this.held)
    }
    this.ingest?.adopt(agreement.lines)
  }

  get heldByPeer(): boolean {
    return this.lines.length > 0 && this.lines.every(({ heldByPeer }) => heldByPeer)
  }

  sink(open: OpenTrack): EgressSink {
    const line = this.#lines[open.track.kind === 'video' ? 'video' : 'audio']
    return line?.sink(open) ?? { form: 'rtp', sink: { write: () => undefined } }
  }

  silence(): void {
    for (const kind of KINDS) this.#lines[kind]?.silence()
  }

  /** Whoever watches the far side wants a key frame. false: it takes no such request in RTCP. */
  requestKeyframe(): boolean {
    return this.#lines.video?.endpoint.requestKeyframe() ?? false
  }

  /** The far side wants a key frame. */
  keyframeWanted(): void {
    this.#lines.video?.keyframeWanted()
  }

  /** Monotonic microseconds of the last packet of any line. */
  get lastPacketAt(): number {
    const times = KINDS.map(kind => this.#lines[kind]?.endpoint.lastPacketAt ?? Number.NEGATIVE_INFINITY)
    return Math.max(...times)
  }

  /** What is known of the way to the far side. */
  sentLink(): LinkStats | undefined {
    const sent = this.#lines.audio?.endpoint.stats.sent
    if (sent === undefined) return undefined
    const { packets, lost, fractionLost, jitterMs, roundTripMs, nacks, resent } = sent
    return { packets, lost, fractionLost, jitterMs, roundTripMs, nacks, resent }
  }

  /** What is known of the way from it. */
  receivedLink(): LinkStats | undefined {
    const stats = this.#lines.audio?.endpoint.stats
    if (stats?.received === undefined) return undefined
    const { packets, lost, jitterMs } = stats.received
    return { packets, lost, jitterMs, roundTripMs: stats.sent?.roundTripMs }
  }

  info(): readonly CallMediaInfo[] {
    const { latch } = this.#parts.board.config
    return KINDS.map(kind => this.#lines[kind]?.info(latch)).filter(line => line !== undefined)
  }

  close(reason: string): void {
    this.#closed = true
    for (const kind of KINDS) this.#lines[kind]?.close(reason)
  }

  #may(kind: LineKind): boolean {
    const { codecs, video } = this.#parts.terms
    return kind === 'video' ? video : codecs.some(codec => codec !== 'h264')
  }

  #begin(kind: LineKind): void {
    try {
      this.#lines[kind] = this.#open(kind)
    } catch (thrown) {
      if (kind === 'audio' || this.audio === undefined) throw thrown
      this.#unopened = `${kind} is left out: ${toGatewayError(thrown).message}`
    }
  }

  #open(kind: LineKind): CallLine {
    const { board, local } = this.#parts
    const endpoint = board.openEndpoint({
      host: local.host,
      ...(board.config.ports !== undefined && { port: board.config.ports }),
      keepAliveUs: KEEP_ALIVE_US,
      listener: this.#listen(kind),
    })
    return new CallLine({ kind, endpoint, createPacedAudio: board.createPacedAudio })
  }

  #drop(kind: LineKind): void {
    this.#lines[kind]?.close('this line is not used')
    delete this.#lines[kind]
  }

  #listen(kind: LineKind): RtpEndpointListener {
    return {
      packet: (packet, format) => this.#received(kind, packet, format),
      senderReport: (ts, wall) => this.ingest?.report(kind, ts, wall),
      keyframeWanted: () => this.keyframeWanted(),
      strangers: (from, count) => this.#parts.onStrangers(kind, `${hostOfIp(from.ip)}:${from.port}`, count),
    }
  }

  #received(kind: LineKind, packet: RtpPacket, format: RtpFormat): void {
    const { digits } = this.#parts
    if (format.codec === 'telephone-event') {
      digits.event(packet)
      return
    }
    const agreed = this.#lines[kind]?.agreed
    if (agreed === undefined || this.held) return
    if (kind === 'audio' && agreed.events.length === 0) digits.sound(packet, format.codec)
    this.ingest?.write(kind, packet, format.payloadType)
  }

  #localLine(kind: LineKind, isDraft: boolean): LocalLine | undefined {
    const line = this.#lines[kind]
    if (line === undefined && !(isDraft && this.#may(kind))) return undefined
    const { port, rtcpPort } = line?.endpoint ?? UNOPENED
    const { board, hears } = this.#parts
    return {
      codecs: kind === 'video' ? ['h264'] : this.#parts.terms.codecs,
      direction: this.#direction,
      port,
      rtcpPort,
      rtcpMux: true,
      keys: line?.keys ?? UNOPENED.keys,
      ptimesMs: PTIMES_MS,
      telephoneEvents: kind === 'audio',
      ...(kind === 'video' && sentPicture(board.context.registry, hears())),
    }
  }

  /** Whoever is on hold is only sent to (RFC 3264 8.4). */
  get #direction(): Direction {
    const { direction } = this.#parts.terms
    if (!this.held) return direction
    return direction === 'sendrecv' ? 'sendonly' : 'inactive'
  }
}
