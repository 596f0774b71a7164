/** One line of a source as a track: it begins when its parameters are known, and goes on through changes of them. */
import type { Clock, ClockAnchor, Publication, RtpProfile, TrackWriter } from '../../core/types.ts'
import type { CodecParameters, RtpPacket } from '../../media/types.ts'
import type { LineFormat } from './description.ts'
import { isComplete, ParameterWatch } from './parameter-watch.ts'

/** How often the arrival of a packet is compared with the track's clock. */
const ANCHOR_US = 500_000
/** What a WebRTC path carries; a source that keeps to it is forwarded as it is. */
const SMALL_PAYLOAD = 1188
/** A key frame of so many packets has shown how large they get. */
const TELLING_PACKETS = 3
const REPORT_WAIT_US = 30_000
/** Between requests for the first key frame. */
const ASK_US = 500_000
/** Of a key frame that is being waited for. */
const MAX_HELD = 8192

export interface IngestTrackOptions {
  readonly publication: Publication
  readonly clock: Clock
  readonly id: string
  /** undefined: what the first key frame shows, else `usualPayload`. */
  readonly maxPayload: number | undefined
  readonly usualPayload: number
  /** Absent: the source cannot be asked. */
  readonly requestKeyframe: (() => void) | undefined
  /** The track is there. */
  readonly onTrack: () => void
}

export class IngestTrack {
  readonly #options: IngestTrackOptions
  #current: LineFormat | undefined
  #params: CodecParameters | undefined
  #watch: ParameterWatch | undefined
  #writer: TrackWriter<'rtp'> | undefined
  /** From the newest key frame's first packet on, until the parameters are known. */
  #held: RtpPacket[] = []
  #anchoredAt = Number.NEGATIVE_INFINITY
  #early: ClockAnchor | undefined
  #firstAt: number | undefined
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(options: IngestTrackOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#writer !== undefined
  }

  /** Why it is not there. */
  get missing(): string {
    if (this.#params === undefined) return 'nothing came'
    if (this.#held.length === 0) return 'no key frame came'
    return 'key frames came without parameter sets: they must be in the description (sprop=), or be sent (ffmpeg -c copy: -bsf:v h264_mp4toannexb)'
  }

  packet(packet: RtpPacket, format: LineFormat): void {
    if (format !== this.#current) this.#change(format)
    this.#watch?.push(packet)
    if (this.#writer !== undefined) this.#write(packet)
    else {
      this.#hold(packet)
      if (isComplete(this.#params!) && this.#isTimed(packet)) this.#open()
    }
  }

  /** Tick `ts` was captured at `wall` by the sender's clock, in microseconds. */
  senderReport(ts: number, wall: number): void {
    const anchor = { ts, wall, from: 'sender-report' } as const
    if (this.#writer === undefined) this.#early = anchor
    else this.#writer.clock.anchor(anchor)
  }

  #change(format: LineFormat): void {
    this.#current = format
    this.#held = []
    const params = format.params!
    this.#watch =
      params.kind === 'video' ? new ParameterWatch(params, read => this.#learned(read)) : undefined
    this.#learned(params)
  }

  #learned(params: CodecParameters): void {
    this.#params = params
    this.#writer?.setParams(params)
  }

  #hold(packet: RtpPacket): void {
    const isVideo = this.#params!.kind === 'video'
    if (isVideo && packet.head && packet.key && packet.ts !== this.#held[0]?.ts) this.#held = []
    if (packet.key || this.#held.length > 0) this.#held.push(packet)
    else this.#ask(packet.arrival)
    if (this.#held.length > MAX_HELD) this.#held = []
  }

  /** Without a key frame there is nothing to begin with. */
  #ask(nowUs: number): void {
    if (nowUs - this.#askedAt < ASK_US) return
    this.#askedAt = nowUs
    this.#options.requestKeyframe?.()
  }

  /** Senders report as they begin, on another port: whoever waits a moment begins in sync. */
  #isTimed(packet: RtpPacket): boolean {
    this.#firstAt ??= packet.arrival
    return this.#early !== undefined || packet.arrival - this.#firstAt >= REPORT_WAIT_US
  }

  /** From the first packet of a key frame on: nothing of it is lost. */
  #open(): void {
    const { publication, id, requestKeyframe, onTrack } = this.#options
    const held = this.#held
    if (held.length === 0) return
    this.#held = []
    this.#writer = publication.addTrack({
      id,
      native: 'rtp',
      params: this.#params!,
      rtp: this.#profile(held),
      ...(requestKeyframe !== undefined && { onKeyframeRequest: requestKeyframe }),
    })
    if (this.#early !== undefined) this.#writer.clock.anchor(this.#early)
    for (const one of held) this.#write(one)
    onTrack()
  }

  #profile(held: readonly RtpPacket[]): RtpProfile {
    const { maxPayload, usualPayload } = this.#options
    const { params, packetizationMode } = this.#current!
    const largest = Math.max(...held.map(({ payloadStart, payloadEnd }) => payloadEnd - payloadStart))
    const shown = held.length >= TELLING_PACKETS && largest <= SMALL_PAYLOAD ? SMALL_PAYLOAD : usualPayload
    const size = maxPayload ?? (params!.kind === 'audio' ? SMALL_PAYLOAD : Math.max(shown, largest))
    return { maxPayload: size, ...(params!.codec === 'h264' && { h264PacketizationMode: packetizationMode }) }
  }

  #write(packet: RtpPacket): void {
    const { clock } = this.#options
    const writer = this.#writer!
    if (packet.arrival - this.#anchoredAt >= ANCHOR_US) {
      this.#anchoredAt = packet.arrival
      const wall = clock.wall() - (clock.now() - packet.arrival)
      writer.clock.anchor({ ts: packet.ts, wall, from: 'arrival' })
    }
    writer.write(packet)
  }
}
