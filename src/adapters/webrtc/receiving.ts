/** The media of one publisher: which packet belongs to which m-line, RTCP both ways, repair. */
import type { Clock, CloseReason } from '../../core/types.ts'
import type { RtcpPacket } from '../../media/rtcp/types.ts'
import { type RtpHeader, readRtpHeader } from '../../media/rtp/packet.ts'
import type { CodecParameters, RtpPacket } from '../../media/types.ts'
import { RtpReceiver, type RtpReceiverStats } from '../../rtp-session/receiver.ts'
import { Slab } from '../../rtp-session/slab.ts'
import { TransportFeedbackRecorder } from '../../rtp-session/transport-feedback.ts'
import type { MediaChoice } from './answer.ts'
import { initialParameters } from './codecs.ts'
import { type ExtensionIds, readTransportSequence } from './extensions.ts'
import type { OfferedMedia } from './offer.ts'
import { type Route, type RoutedLine, SsrcRouter } from './ssrc-router.ts'
import type { Transport, TransportListener } from './transport.ts'

const TICK_US = 25_000
/** In ticks. */
const FEEDBACK_EVERY = 2
const REPORT_EVERY = 40
/** Assumed until the peer's reports tell: a repeated NACK is cheap, a late one is not. */
const ROUND_TRIP_US = 100_000
/** A PLI that brought no key frame is followed by a FIR (RFC 5104 4.3.1), which some sources obey alone. */
const FIR_AFTER_REQUESTS = 2

/** One m-line that receives. */
interface Line extends RoutedLine {
  readonly params: CodecParameters
  receiver: RtpReceiver | undefined
  firSequence: number
  /** Key frames asked for since the last one came. */
  requests: number
  /** Key frames asked for so far. */
  pictureLoss: number
}

export interface ReceivingEvents {
  /** The handshake is done: media may come. */
  onConnected(): void
  onPacket(line: number, packet: RtpPacket): void
  /** Sender report: tick `ts` of the line was captured at `wall` by the sender's clock, in microseconds. */
  onReport(line: number, ts: number, wall: number): void
  onEnded(reason: CloseReason): void
}

export interface ReceivingStats {
  readonly kind: string
  readonly codec: string
  readonly pictureLossRequests: number
  readonly rtp: RtpReceiverStats | undefined
}

export class ReceivingSession implements TransportListener {
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #events: ReceivingEvents
  readonly #lines: readonly (Line | undefined)[]
  readonly #extensions: ExtensionIds
  readonly #slab = new Slab()
  readonly #feedback = new TransportFeedbackRecorder()
  readonly #router: SsrcRouter<Line>
  readonly #ssrc: number
  readonly #cname: string
  #ticks = 0
  #cancelTick: (() => void) | undefined
  unroutable = 0
  malformed = 0

  constructor(
    transport: Transport,
    clock: Clock,
    media: readonly OfferedMedia[],
    choices: readonly MediaChoice[],
    identity: { readonly ssrc: number; readonly cname: string },
    events: ReceivingEvents,
  ) {
    this.#transport = transport
    this.#clock = clock
    this.#events = events
    this.#ssrc = identity.ssrc
    this.#cname = identity.cname
    this.#lines = choices.map((choice, index) => createLine(media[index]!, choice))
    // BUNDLE wants one id per extension over all m-lines (RFC 9143 6).
    this.#extensions = Object.assign({}, ...choices.map(({ extensions }) => extensions))
    const lines = this.#lines.filter(line => line !== undefined)
    this.#router = new SsrcRouter(lines, this.#extensions.mid, (line, ssrc) => this.#bind(line, ssrc))
  }

  connected(): void {
    this.#cancelTick ??= this.#schedule()
    this.#events.onConnected()
  }

  rtp(slab: Uint8Array, offset: number, length: number, arrival: number): void {
    const bytes = this.#slab.copy(slab, offset, length)
    const header = readRtpHeader(bytes)
    if (header === undefined) {
      this.malformed++
      return
    }
    this.#recordArrival(bytes, header, arrival)
    const route = this.#router.route(bytes, header)
    if (route === undefined) this.unroutable++
    else this.#receive(route, bytes, header, arrival)
  }

  rtcp(packets: readonly RtcpPacket[], now: number): void {
    for (const packet of packets) {
      if (packet.type === 'sender-report') this.#senderReport(packet.ssrc, packet, now)
      else if (packet.type === 'bye') for (const ssrc of packet.ssrcs) this.#router.forget(ssrc)
    }
  }

  moved(): void {}

  ended(reason: CloseReason): void {
    this.#events.onEnded(reason)
  }

  /** Asks the publisher for a key frame on a line: PLI, and FIR when that does not help. */
  requestKeyframe(index: number): void {
    const line = this.#lines[index]
    const media = line?.receiver?.ssrc
    if (line === undefined || media === undefined) return
    const feedback = line.choice.codec?.sdp.feedback ?? []
    const packets: RtcpPacket[] = []
    if (feedback.includes('nack pli')) packets.push({ type: 'picture-loss', sender: this.#ssrc, media })
    if (feedback.includes('ccm fir') && (line.requests >= FIR_AFTER_REQUESTS || packets.length === 0)) {
      line.firSequence = (line.firSequence + 1) & 255
      const requests = [{ ssrc: media, sequence: line.firSequence }]
      packets.push({ type: 'full-intra-request', sender: this.#ssrc, requests })
    }
    line.requests++
    line.pictureLoss++
    this.#send(packets)
  }

  get stats(): readonly ReceivingStats[] {
    return this.#lines.flatMap(line =>
      line === undefined
        ? []
        : [
            {
              kind: line.media.kind,
              codec: line.params.codec,
              pictureLossRequests: line.pictureLoss,
              rtp: line.receiver?.stats,
            },
          ],
    )
  }

  close(reason: string): void {
    this.#cancelTick?.()
    this.#transport.sendRtcp([
      { type: 'receiver-report', ssrc: this.#ssrc, blocks: [] },
      { type: 'bye', ssrcs: [this.#ssrc], reason },
    ])
  }

  #recordArrival(bytes: Uint8Array, header: RtpHeader, arrival: number): void {
    const id = this.#extensions.transportWide
    const sequence = id === undefined ? undefined : readTransportSequence(bytes, header.payloadStart, id)
    if (sequence !== undefined) this.#feedback.record(sequence, arrival)
  }

  #receive({ line, repair }: Route<Line>, bytes: Uint8Array, header: RtpHeader, arrival: number): void {
    const receiver = line.receiver
    if (repair) receiver?.receiveRepair(bytes, header, arrival)
    else if (header.ssrc === receiver?.ssrc && header.payloadType === receiver.payloadType)
      receiver.receive(bytes, header, arrival)
    else this.unroutable++
  }

  #bind(line: Line, ssrc: number): void {
    if (line.receiver !== undefined) {
      line.receiver.restart(ssrc)
      return
    }
    const index = this.#lines.indexOf(line)
    line.receiver = new RtpReceiver({
      ssrc,
      codec: line.params.codec,
      clockRate: line.params.clockRate,
      payloadType: line.choice.codec!.sdp.payloadType,
      onPacket: packet => {
        if (packet.key) line.requests = 0
        this.#events.onPacket(index, packet)
      },
    })
  }

  #senderReport(ssrc: number, report: Extract<RtcpPacket, { type: 'sender-report' }>, now: number): void {
    const index = this.#lines.findIndex(line => line?.receiver?.ssrc === ssrc)
    const ts = this.#lines[index]?.receiver?.senderReport(report, now)
    if (ts !== undefined) this.#events.onReport(index, ts, report.wall)
  }

  #schedule(): () => void {
    return this.#clock.after(TICK_US, () => {
      this.#cancelTick = this.#schedule()
      this.#tick(this.#clock.now())
    })
  }

  #tick(now: number): void {
    this.#ticks++
    const packets: RtcpPacket[] = []
    if (this.#ticks % REPORT_EVERY === 0) packets.push(...this.#reports(now))
    for (const line of this.#lines)
      if (line?.receiver !== undefined) packets.push(...this.#nacks(line, line.receiver, now))
    if (this.#ticks % FEEDBACK_EVERY === 0) packets.push(...this.#feedback.take(this.#ssrc, this.#anySsrc))
    this.#send(packets)
  }

  #reports(now: number): readonly RtcpPacket[] {
    const blocks = this.#lines.map(line => line?.receiver?.report(now)).filter(block => block !== undefined)
    return [
      { type: 'receiver-report', ssrc: this.#ssrc, blocks },
      { type: 'source-description', ssrc: this.#ssrc, cname: this.#cname },
    ]
  }

  #nacks(line: Line, receiver: RtpReceiver, now: number): readonly RtcpPacket[] {
    if (!line.choice.codec?.sdp.feedback.includes('nack')) return []
    const sequences = receiver.nacks.due(now, ROUND_TRIP_US)
    return sequences.length === 0
      ? []
      : [{ type: 'nack', sender: this.#ssrc, media: receiver.ssrc, sequences }]
  }

  get #anySsrc(): number {
    return this.#lines.find(line => line?.receiver !== undefined)?.receiver?.ssrc ?? 0
  }

  /** RFC 3550 6.1 wants a report first; where reduced size (RFC 5506) was not agreed, an empty one leads. */
  #send(packets: readonly RtcpPacket[]): void {
    if (packets.length === 0) return
    const first = packets[0]!.type
    const reduced = this.#lines.every(line => line === undefined || line.media.reducedSizeRtcp)
    const lead: readonly RtcpPacket[] =
      reduced || first === 'receiver-report'
        ? []
        : [{ type: 'receiver-report', ssrc: this.#ssrc, blocks: [] }]
    this.#transport.sendRtcp([...lead, ...packets])
  }
}

const createLine = (media: OfferedMedia, choice: MediaChoice): Line | undefined => {
  if (choice.direction !== 'recvonly' || choice.codec === undefined) return undefined
  const params = initialParameters(choice.codec)
  return { media, choice, params, receiver: undefined, firSequence: 0, requests: 0, pictureLoss: 0 }
}
