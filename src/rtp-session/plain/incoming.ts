/** What an endpoint receives: one sender's packets, through changes of its SSRC and of the codec. */
import type { ReportBlock, SenderReport } from '../../media/rtcp/types.ts'
import { type RtpHeader, readRtpHeader } from '../../media/rtp/packet.ts'
import type { CodecId, RtpPacket } from '../../media/types.ts'
import { RtpReceiver, type RtpReceiverStats } from '../receiver.ts'
import { HalvedClock } from './halved-clock.ts'
import { SoundNumbers } from './sound-numbers.ts'
import type { RtpFormat } from './types.ts'

/** A sender silent for so long, and then another SSRC: it has changed. Sooner, two packets in a row must say so. */
const CHANGE_AFTER_US = 500_000
/** Static payload type of comfort noise, on the clock of telephones (RFC 3389 4). Nobody needs to agree to it. */
const COMFORT_NOISE = 13
/** Packets of a multiplex, and of digits, can all be started with: as those of sound. */
const plainCodec = ({ codec }: RtpFormat): CodecId => (codec === 'mp2t' ? 'l16' : codec)

export interface IncomingEvents {
  packet(packet: RtpPacket, format: RtpFormat): void
  senderReport?(ts: number, wall: number): void
}

export class Incoming {
  readonly #events: IncomingEvents
  #formats: readonly RtpFormat[] = []
  readonly #byType: (RtpFormat | undefined)[] = new Array(128).fill(undefined)
  #receiver: RtpReceiver | undefined
  /** The one that the receiver reads; the packet at hand may be a digit, or undefined: comfort noise. */
  #main: RtpFormat | undefined
  #current: RtpFormat | undefined
  #rival = -1
  #ended = false
  /** It came before the packets that it is about. */
  #early: SenderReport | undefined
  halvedClock = new HalvedClock()
  lastAt: number
  malformed = 0
  /** Packets that say how the pause of a speaker sounds: nothing to hand on, but no loss. */
  comfortNoise = 0

  constructor(nowUs: number, events: IncomingEvents) {
    this.lastAt = nowUs
    this.#events = events
  }

  /** A format that is told again keeps its identity. */
  agree(formats: readonly RtpFormat[]): void {
    const kept = formats.map(
      format =>
        this.#formats.find(
          ({ payloadType, codec, clockRate }) =>
            payloadType === format.payloadType && codec === format.codec && clockRate === format.clockRate,
        ) ?? format,
    )
    this.#formats = kept
    this.#byType.fill(undefined)
    for (const format of kept) this.#byType[format.payloadType & 127] = format
  }

  knows(payloadType: number): boolean {
    return this.#byType[payloadType] !== undefined || (payloadType === COMFORT_NOISE && this.#hasNoise)
  }

  get ssrc(): number | undefined {
    return this.#receiver?.ssrc
  }

  /** Who said that it ends is waited for no longer. */
  get silentSince(): number {
    return this.#ended ? Number.NEGATIVE_INFINITY : this.lastAt
  }

  get stats(): RtpReceiverStats | undefined {
    return this.#receiver?.stats
  }

  get isMissingPackets(): boolean {
    return (this.#receiver?.nacks.pending ?? 0) > 0
  }

  /** Sequence numbers to ask for now. */
  missing(nowUs: number, roundTripUs: number): readonly number[] {
    return this.#receiver?.nacks.due(nowUs, roundTripUs) ?? []
  }

  /** Does a packet of the admitted address belong to its one stream? A new SSRC may be the stream that goes on. */
  follows(ssrc: number, nowUs: number): boolean {
    const receiver = this.#receiver
    if (receiver === undefined || ssrc === receiver.ssrc) {
      this.#rival = -1
      return true
    }
    const changed = this.#ended || nowUs - this.lastAt >= CHANGE_AFTER_US || this.#rival === ssrc
    this.#rival = changed ? -1 : ssrc
    if (changed) {
      receiver.restart(ssrc)
      this.halvedClock = new HalvedClock()
    }
    return changed
  }

  /** `bytes` are the receiver's from now on. The payload type is known, and the packet admitted. */
  receive(bytes: Uint8Array, arrival: number): void {
    const header = this.#read(bytes)
    if (header === undefined) {
      this.malformed++
      return
    }
    const format = this.#byType[header.payloadType]
    if (format === undefined) this.comfortNoise++
    this.lastAt = arrival
    this.#ended = false
    this.#current = format
    this.#receiverFor(format ?? this.#usual!, header.ssrc).receive(bytes, header, arrival)
    if (this.#early !== undefined) this.senderReport(this.#early, arrival)
  }

  bye(ssrcs: readonly number[]): boolean {
    const ends = this.#receiver !== undefined && ssrcs.includes(this.#receiver.ssrc)
    if (ends) this.#ended = true
    return ends
  }

  /** Tells where the report's moment lies on the time line of the packets, as soon as there is one. */
  senderReport(told: SenderReport, nowUs: number): void {
    const report = this.halvedClock.report(told)
    const receiver = this.#receiver
    const ts = receiver?.ssrc === report.ssrc ? receiver.senderReport(report, nowUs) : undefined
    this.#early =
      ts === undefined && (receiver === undefined || receiver.ssrc === report.ssrc) ? told : undefined
    if (ts !== undefined) this.#events.senderReport?.(ts, report.wall)
  }

  report(nowUs: number): readonly ReportBlock[] {
    const block = this.#receiver?.report(nowUs)
    return block === undefined ? [] : [block]
  }

  #handOn(packet: RtpPacket, numbers: SoundNumbers): void {
    const format = this.#current
    if (format === undefined || format.codec === 'telephone-event') numbers.pass(packet.seq)
    if (format?.codec === 'telephone-event') this.#events.packet(packet, format)
    else if (format !== undefined) this.#events.packet(numbers.number(packet), format)
  }

  #read(bytes: Uint8Array): RtpHeader | undefined {
    const header = readRtpHeader(bytes)
    if (header === undefined || this.#usual?.codec !== 'g722') return header
    const ts = this.halvedClock.correct(header)
    if (ts === header.ts) return header
    new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).setUint32(4, ts)
    return { ...header, ts }
  }

  get #usual(): RtpFormat | undefined {
    return this.#main ?? this.#formats[0]
  }

  get #hasNoise(): boolean {
    const { codec, clockRate } = this.#usual ?? {}
    return clockRate === 8000 && (codec === 'pcmu' || codec === 'pcma' || codec === 'g722')
  }

  /** Digits travel in the numbers of the sound around them; another codec has its own time line. */
  #receiverFor(format: RtpFormat, ssrc: number): RtpReceiver {
    const main = this.#main
    const goesOn =
      this.#receiver !== undefined &&
      (format === main ||
        format.codec === 'telephone-event' ||
        (format.clockRate === main!.clockRate && plainCodec(format) === plainCodec(main!)))
    if (goesOn) return this.#receiver!
    this.#main = format
    const numbers = new SoundNumbers()
    this.#receiver = new RtpReceiver({
      ssrc,
      codec: plainCodec(format),
      clockRate: format.clockRate,
      payloadType: format.payloadType,
      onPacket: packet => this.#handOn(packet, numbers),
    })
    return this.#receiver
  }
}
