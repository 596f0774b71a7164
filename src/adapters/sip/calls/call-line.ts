/** One line of media of a call: its port, its keys, what was agreed for it, and what goes out on it. */
import { randomBytes } from 'node:crypto'
import type { EgressSink, OpenTrack } from '../../../core/types.ts'
import type { RtpPacket } from '../../../media/types.ts'
import type { PacedAudio, PacedFormat } from '../../../rtp-session/plain/paced-types.ts'
import type {
  LatchMode,
  RtpAgreement,
  RtpEndpoint,
  RtpFormat,
  RtpOutgoing,
  RtpSource,
} from '../../../rtp-session/plain/types.ts'
import type { CallMedia as CallMediaInfo } from '../../call-desk.ts'
import { hostOfIp } from '../message/uri.ts'
import type { AgreedLine, LocalKey } from '../offer-answer/types.ts'
import { meanOpinionScore } from './mos.ts'

type LineKind = AgreedLine['kind']

export interface CallLineParts {
  readonly kind: LineKind
  readonly endpoint: RtpEndpoint
  /** Milliseconds per packet and payload are its affair; `send` is where its packets go. */
  createPacedAudio(send: (source: RtpSource) => RtpOutgoing, format: PacedFormat): PacedAudio
}

/** Those of which there are any. */
const counted = (all: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0))

const pacedFormat = ({ codec, events }: AgreedLine): PacedFormat | undefined => {
  if (codec.id === 'h264') return undefined
  const spoken = events[0]
  return {
    codec: codec.id,
    clockRate: codec.clockRate,
    channels: codec.channels,
    payloadType: codec.payloadTypes.send,
    ...(spoken !== undefined && {
      events: { payloadType: spoken.payloadTypes.send, clockRate: spoken.clockRate },
    }),
  }
}

const received = ({ codec, alternatives, events }: AgreedLine): readonly RtpFormat[] => [
  ...[codec, ...alternatives].map(({ id, clockRate, payloadTypes }): RtpFormat => {
    return { payloadType: payloadTypes.receive, codec: id, clockRate }
  }),
  ...events.map(({ payloadTypes, clockRate }): RtpFormat => {
    return { payloadType: payloadTypes.receive, codec: 'telephone-event', clockRate }
  }),
]

export const newKeys = (): readonly LocalKey[] => [
  { suite: 'AES_CM_128_HMAC_SHA1_80', keySalt: randomBytes(30) },
  { suite: 'AES_CM_128_HMAC_SHA1_32', keySalt: randomBytes(30) },
]

export class CallLine {
  readonly kind: LineKind
  readonly endpoint: RtpEndpoint
  /** One for each suite, for as long as the line keeps its port. */
  readonly keys = newKeys()
  agreed: AgreedLine | undefined
  readonly #parts: CallLineParts
  #paced: PacedAudio | undefined
  #video: RtpOutgoing | undefined
  /** Only what was opened last is sent. */
  #current: OpenTrack | undefined
  #maySend = false

  constructor(parts: CallLineParts) {
    this.#parts = parts
    this.kind = parts.kind
    this.endpoint = parts.endpoint
  }

  get paced(): PacedAudio | undefined {
    return this.#paced
  }

  /** What was agreed holds from now on; the first time, silence leaves at once (RFC 3264 5.1 lets us send early). */
  adopt(agreed: AgreedLine, latch: LatchMode, signalling: string): void {
    this.agreed = agreed
    this.#maySend = agreed.direction === 'sendrecv' || agreed.direction === 'sendonly'
    const agreement: RtpAgreement = {
      receives: received(agreed),
      remote: { ...agreed.remote, signalling },
      latch,
      rtcpMux: agreed.rtcpMux,
      feedback: agreed.feedback,
      ...(agreed.srtp !== undefined && { sdes: agreed.srtp }),
    }
    this.endpoint.agree(agreement)
    const format = pacedFormat(agreed)
    if (format === undefined) return
    if (this.#paced === undefined)
      this.#paced = this.#parts.createPacedAudio(source => this.endpoint.send(source), format)
    else this.#paced.adopt(format)
    this.#paced.pause(!this.#maySend)
  }

  /** On hold of ours the far side hears silence. */
  mute(muted: boolean): void {
    this.#paced?.mute(muted)
  }

  /** Sound for the far side that is none of a stream: a greeting. */
  play(packet: RtpPacket): void {
    this.#paced?.sink.write(packet)
  }

  /** The packets of a track go out here from now on, and nothing else does. */
  sink(open: OpenTrack): EgressSink {
    this.#open(open)
    const isCurrent = (): boolean => this.#current === mine
    let mine = open
    return {
      form: 'rtp',
      sink: { write: packet => void (isCurrent() && this.#write(packet)) },
      retarget: next => {
        if (!isCurrent()) return
        mine = next
        this.#open(next)
      },
    }
  }

  silence(): void {
    this.#current = undefined
    this.#paced?.retarget()
  }

  /** The far side wants a key frame of what it sees. */
  keyframeWanted(): void {
    this.#current?.track.requestKeyframe()
  }

  close(reason: string): void {
    this.#current = undefined
    this.#paced?.close()
    this.endpoint.close(reason)
  }

  info(latch: LatchMode): CallMediaInfo | undefined {
    const { agreed, endpoint } = this
    if (agreed === undefined) return undefined
    const { stats } = endpoint
    const { received: got, sent } = stats
    const { target } = stats
    const roundTripMs = sent?.roundTripMs
    return {
      kind: this.kind,
      codec: agreed.codec.id,
      direction: agreed.direction,
      srtp: agreed.srtp !== undefined,
      local: `${hostOfIp(agreed.localAddress)}:${endpoint.port}`,
      remote: target && `${hostOfIp(target.ip)}:${target.port}`,
      latch: stats.latched ? 'locked' : latch === 'off' || stats.source !== undefined ? 'off' : 'waiting',
      received: {
        packets: got?.packets ?? 0,
        bytes: got?.bytes ?? 0,
        lost: Math.max(0, got?.lost ?? 0),
        jitterMs: got?.jitterMs ?? 0,
        dropped: this.#dropped(),
      },
      sent: { packets: sent?.packets ?? 0, bytes: sent?.bytes ?? 0, dropped: this.#unsent() },
      mos: this.#mos(agreed, roundTripMs),
      roundTripMs,
      remoteFractionLost: sent?.fractionLost,
    }
  }

  #dropped(): Readonly<Record<string, number>> {
    const { strangers, refused, wrongPayloadType, comfortNoise, malformed, unauthentic } = this.endpoint.stats
    return counted({ strangers, refused, wrongPayloadType, comfortNoise, malformed, unauthentic })
  }

  #unsent(): Readonly<Record<string, number>> {
    const { skipped: tooMuch = 0, malformed = 0 } = this.#paced?.stats ?? {}
    return counted({ tooMuch, malformed, unsent: this.endpoint.stats.unsent })
  }

  #mos({ codec }: AgreedLine, roundTripMs = 0): number | undefined {
    const got = this.endpoint.stats.received
    if (this.kind !== 'audio' || got === undefined || got.packets === 0) return undefined
    const fractionLost = Math.max(0, got.lost) / (got.packets + Math.max(0, got.lost))
    return meanOpinionScore({ codec: codec.id, fractionLost, jitterMs: got.jitterMs, roundTripMs })
  }

  #open(open: OpenTrack): void {
    const { track, accept } = open
    this.#current = open
    if (this.kind === 'audio') {
      this.#paced?.retarget(track.clock, track.native === 'rtp' && track.derivedFrom === undefined)
      return
    }
    const feed = track.packets(accept.rtp!)
    feed.remember()
    this.#video = this.#gate(
      this.endpoint.send({
        clock: track.clock,
        clockRate: track.params.clockRate,
        payloadType: this.agreed!.codec.payloadTypes.send,
        lookup: seq => feed.lookup(seq),
      }),
    )
    track.requestKeyframe()
  }

  #write(packet: RtpPacket): void {
    if (this.kind === 'audio') this.#paced?.sink.write(packet)
    else this.#video?.write(packet)
  }

  /** On hold no pictures leave (RFC 3264 8.4), while numbers and time go on. */
  #gate(outgoing: RtpOutgoing): RtpOutgoing {
    return {
      write: (packet, payloadType, dueUs) =>
        void (this.#maySend && outgoing.write(packet, payloadType, dueUs)),
      retarget: source => outgoing.retarget(source),
    }
  }
}
