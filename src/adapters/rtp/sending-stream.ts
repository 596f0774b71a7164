/** One track to one receiver: its packets under our numbers, those of pictures at a pace. */
import type { Clock, EgressSink, OpenTrack, Sink, Track } from '../../core/types.ts'
import type { RtpPacket } from '../../media/types.ts'
import type { RtpEndpoint, RtpOutgoing, RtpSource } from '../../rtp-session/plain/types.ts'
import { SendPace } from './send-pace.ts'

/** The thread that sends at deadlines is behind by less; sooner, a packet sent at once might overtake. */
const SETTLED_US = 20_000

export class SendingStream implements Sink<RtpPacket> {
  readonly end: EgressSink
  readonly endpoint: RtpEndpoint
  readonly payloadType: number
  readonly #clock: Clock
  readonly #out: RtpOutgoing
  readonly #pace: SendPace | undefined
  #track: Track
  #lastDue = Number.NEGATIVE_INFINITY

  constructor(open: OpenTrack, endpoint: RtpEndpoint, payloadType: number, clock: Clock) {
    this.endpoint = endpoint
    this.payloadType = payloadType
    this.#clock = clock
    this.#track = open.track
    this.#pace = open.track.kind === 'video' ? new SendPace() : undefined
    this.#out = endpoint.send(this.#source(open))
    this.end = { form: 'rtp', sink: this, retarget: next => this.#retarget(next) }
  }

  get track(): Track {
    return this.#track
  }

  /** Packets that the pace has held back. */
  get held(): number {
    return this.#pace?.held ?? 0
  }

  write(packet: RtpPacket): void {
    const pace = this.#pace
    if (pace === undefined) {
      this.#out.write(packet)
      return
    }
    const now = this.#clock.now()
    const due = pace.due(packet.payloadEnd - packet.payloadStart, packet.ts, now)
    if (due > now) this.#lastDue = due
    if (now > this.#lastDue + SETTLED_US) this.#out.write(packet)
    else this.#out.write(packet, undefined, due)
  }

  requestKeyframe(): void {
    this.#track.requestKeyframe()
  }

  #retarget(open: OpenTrack): void {
    this.#track = open.track
    this.#out.retarget(this.#source(open))
  }

  #source({ track, accept }: OpenTrack): RtpSource {
    const feed = track.packets(accept.rtp!)
    feed.remember()
    return {
      clock: track.clock,
      clockRate: track.params.clockRate,
      payloadType: this.payloadType,
      lookup: seq => feed.lookup(seq),
    }
  }
}
