/** The media of one viewer: which feedback belongs to which outgoing stream, and the reports. */
import { randomBytes } from 'node:crypto'
import type { Clock, CloseReason, EgressSink, OpenTrack } from '../../core/types.ts'
import { GatewayError } from '../../errors.ts'
import type { ReportBlock, RtcpPacket } from '../../media/rtcp/types.ts'
import type { AddressId, SrtpContext } from '../../native/types.ts'
import type { MediaChoice } from './answer.ts'
import { midExtensionBlock } from './extensions.ts'
import type { OfferedMedia } from './offer.ts'
import { type OutgoingStats, OutgoingStream } from './outgoing.ts'
import type { WebRtcPort } from './port.ts'
import type { Transport, TransportListener } from './transport.ts'

/** Browsers sync sound and picture from the first reports on; then once a second. */
const FIRST_REPORT_US = 100_000
const REPORT_US = 1_000_000

export interface SendingEvents {
  onConnected(): void
  onEnded(reason: CloseReason): void
}

/** One planned track with its m-line, and what was answered for it. */
export interface PlannedStream {
  readonly open: OpenTrack
  readonly media: OfferedMedia
  readonly choice: MediaChoice
}

export class SendingSession implements TransportListener {
  /** The viewer's own estimate (REMB); undefined when it sends none. */
  estimatedBitsPerSecond: number | undefined
  readonly #port: WebRtcPort
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #cname: string
  readonly #events: SendingEvents
  #streams: readonly OutgoingStream[] = []
  #cancelReport: (() => void) | undefined

  constructor(port: WebRtcPort, transport: Transport, clock: Clock, cname: string, events: SendingEvents) {
    this.#port = port
    this.#transport = transport
    this.#clock = clock
    this.#cname = cname
    this.#events = events
  }

  /** Makes the outgoing streams; the transport is connected. One sink per planned stream, in the same order. */
  start(planned: readonly PlannedStream[]): readonly EgressSink[] {
    const { srtp, ice } = this.#transport
    // The viewer may have gone in the very turn in which it connected.
    if (srtp === undefined || ice.selected === undefined)
      throw new GatewayError('closed', 'the viewer has gone')
    const to = ice.selected
    this.#streams = planned.map(stream => this.#outgoing(stream, srtp, to))
    this.#cancelReport = this.#scheduleReport(FIRST_REPORT_US)
    return this.#streams.map(({ end }) => end)
  }

  connected(): void {
    this.#events.onConnected()
  }

  /** A viewer sends no media: what comes is padding or a mistake. */
  rtp(): void {}

  rtcp(packets: readonly RtcpPacket[], now: number): void {
    for (const packet of packets) this.#feedback(packet, now)
  }

  moved(to: AddressId): void {
    for (const stream of this.#streams) stream.moved(to)
  }

  ended(reason: CloseReason): void {
    this.#events.onEnded(reason)
  }

  get stats(): readonly OutgoingStats[] {
    return this.#streams.map(({ stats }) => stats)
  }

  close(reason: string): void {
    this.#cancelReport?.()
    const ssrcs = this.#streams.map(({ ssrc }) => ssrc)
    for (const stream of this.#streams) stream.close()
    if (ssrcs.length > 0)
      this.#transport.sendRtcp([this.#emptyReport(ssrcs[0]!), { type: 'bye', ssrcs, reason }])
  }

  #outgoing({ open, media, choice }: PlannedStream, srtp: SrtpContext, to: AddressId): OutgoingStream {
    const { codec, sent, extensions } = choice
    const rtx =
      sent!.rtxSsrc === undefined ? undefined : { ssrc: sent!.rtxSsrc, payloadType: codec!.rtxPayloadType! }
    const random = randomBytes(6)
    return new OutgoingStream(open, {
      clock: this.#clock,
      fan: this.#port.fan,
      queue: this.#port.queue,
      srtp,
      to,
      ssrc: sent!.ssrc,
      payloadType: codec!.sdp.payloadType,
      rtx,
      extensions: midExtensionBlock(extensions.mid, media.mid),
      firstSequence: random.readUInt16BE(0) & 0x7fff,
      firstTimestamp: random.readUInt32BE(2),
    })
  }

  #feedback(packet: RtcpPacket, now: number): void {
    switch (packet.type) {
      case 'sender-report':
      case 'receiver-report':
        this.#reported(packet.blocks, now)
        break
      case 'nack':
        this.#find(packet.media)?.nacked(packet.sequences, now)
        break
      case 'picture-loss':
        this.#find(packet.media)?.pictureLost()
        break
      case 'full-intra-request':
        for (const { ssrc } of packet.requests) this.#find(ssrc)?.pictureLost()
        break
      case 'bitrate-estimate':
        this.estimatedBitsPerSecond = packet.bitsPerSecond
    }
  }

  #reported(blocks: readonly ReportBlock[], now: number): void {
    for (const block of blocks) this.#find(block.ssrc)?.reported(block, now)
  }

  #find(ssrc: number): OutgoingStream | undefined {
    return this.#streams.find(stream => stream.ssrc === ssrc)
  }

  #scheduleReport(delayUs: number): () => void {
    return this.#clock.after(delayUs, () => {
      this.#sendReports()
      this.#cancelReport = this.#scheduleReport(REPORT_US)
    })
  }

  #sendReports(): void {
    const now = this.#clock.now()
    for (const stream of this.#streams) {
      const report = stream.report(now)
      if (report === undefined) continue
      this.#transport.sendRtcp([
        report,
        { type: 'source-description', ssrc: stream.ssrc, cname: this.#cname },
      ])
    }
  }

  #emptyReport(ssrc: number): RtcpPacket {
    return { type: 'receiver-report', ssrc, blocks: [] }
  }
}
