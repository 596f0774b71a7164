/** One track to one viewer: the packets of the shared feed under the viewer's own numbers. */
import type { Clock, EgressSink, OpenTrack, RtpFeed, Sink, Track } from '../../core/types.ts'
import type { ReportBlock, SenderReport } from '../../media/rtcp/types.ts'
import type { RtpPacket } from '../../media/types.ts'
import type { AddressId, FanOut, FanTarget, FanTargetId, SrtpContext } from '../../native/types.ts'
import { repairPacket } from '../../rtp-session/repair.ts'
import { RtpSender, type RtpSenderStats } from '../../rtp-session/sender.ts'
import { Burst } from './burst.ts'
import type { FanQueue } from './fan-queue.ts'

export interface OutgoingOptions {
  readonly clock: Clock
  readonly fan: FanOut
  readonly queue: FanQueue
  readonly srtp: SrtpContext
  readonly to: AddressId
  readonly ssrc: number
  readonly payloadType: number
  readonly rtx: { readonly ssrc: number; readonly payloadType: number } | undefined
  /** Constant header extension block; empty for none. */
  readonly extensions: Uint8Array
  readonly firstSequence: number
  readonly firstTimestamp: number
}

export interface OutgoingStats extends RtpSenderStats {
  readonly track: string
  readonly codec: string
  /** Key frames the viewer asked for. */
  readonly pictureLossRequests: number
}

export class OutgoingStream implements Sink<RtpPacket> {
  readonly ssrc: number
  readonly end: EgressSink
  readonly #options: OutgoingOptions
  readonly #sender: RtpSender
  readonly #burst: Burst<RtpPacket>
  #track: Track
  #feed: RtpFeed
  #to: AddressId
  #target: FanTargetId
  #rtxTarget: FanTargetId | undefined
  #rtxSequence: number
  #pictureLossRequests = 0
  #isOpen = true

  constructor({ track, accept }: OpenTrack, options: OutgoingOptions) {
    this.ssrc = options.ssrc
    this.#options = options
    this.#to = options.to
    this.#track = track
    this.#feed = track.packets(accept.rtp!)
    this.#feed.remember()
    this.#rtxSequence = options.firstSequence
    this.#sender = new RtpSender({ ...options, clockRate: track.params.clockRate, clock: track.clock })
    this.#target = options.fan.add(this.#describe())
    if (options.rtx !== undefined) this.#rtxTarget = options.fan.add(this.#describeRtx(options.rtx))
    this.#burst = new Burst(options.clock, packet => this.#send(packet))
    this.end = { form: 'rtp', sink: this, retarget: open => this.#retarget(open) }
  }

  write(packet: RtpPacket): void {
    if (this.#burst.isDone) this.#send(packet)
    else this.#burst.push(packet)
  }

  /** The viewer's address has changed. */
  moved(to: AddressId): void {
    this.#to = to
    this.#update()
  }

  /** Answers a NACK from the feed's history: as a repair stream where agreed, else the packet as it was. */
  nacked(sequences: readonly number[], now: number): void {
    for (const sequence of sequences) {
      const source = this.#sender.sourceOf(sequence, now)
      if (source === undefined) continue
      const packet = this.#feed.lookup(source)
      this.#sender.resent(packet)
      if (packet !== undefined) this.#resend(packet, sequence)
    }
  }

  pictureLost(): void {
    this.#pictureLossRequests++
    this.#track.requestKeyframe()
  }

  reported(block: ReportBlock, now: number): void {
    this.#sender.reported(block, now)
  }

  report(now: number): SenderReport | undefined {
    return this.#sender.report(now)
  }

  get stats(): OutgoingStats {
    return {
      ...this.#sender.stats,
      track: this.#track.id,
      codec: this.#track.params.codec,
      pictureLossRequests: this.#pictureLossRequests,
    }
  }

  close(): void {
    this.#isOpen = false
    this.#burst.close()
    this.#options.queue.flush()
    this.#options.fan.remove(this.#target)
    if (this.#rtxTarget !== undefined) this.#options.fan.remove(this.#rtxTarget)
  }

  #send(packet: RtpPacket): void {
    if (!this.#isOpen) return
    const sender = this.#sender
    if (sender.isChanged) {
      sender.rebase(packet)
      this.#update()
    }
    if (sender.accept(packet)) this.#options.queue.push(this.#target, packet.bytes)
  }

  #resend(packet: RtpPacket, sequence: number): void {
    const { queue } = this.#options
    if (this.#rtxTarget === undefined) queue.push(this.#target, packet.bytes)
    else queue.push(this.#rtxTarget, repairPacket(packet, sequence, this.#rtxSequence++))
  }

  #retarget({ track, accept }: OpenTrack): void {
    this.#track = track
    this.#feed = track.packets(accept.rtp!)
    this.#feed.remember()
    this.#sender.retarget(track.clock)
  }

  /** Pairs that wait belong to the numbers in force until now. */
  #update(): void {
    const { fan, queue, rtx } = this.#options
    queue.flush()
    fan.update(this.#target, this.#describe())
    if (this.#rtxTarget !== undefined && rtx !== undefined)
      fan.update(this.#rtxTarget, this.#describeRtx(rtx))
  }

  #describe(): FanTarget {
    const { srtp, ssrc, payloadType, extensions } = this.#options
    const { sequenceOffset, timestampOffset } = this.#sender
    return { srtp, to: this.#to, ssrc, payloadType, sequenceOffset, timestampOffset, extensions }
  }

  /** A repair packet brings its own sequence number; its timestamp is the original's. */
  #describeRtx({ ssrc, payloadType }: { readonly ssrc: number; readonly payloadType: number }): FanTarget {
    return { ...this.#describe(), ssrc, payloadType, sequenceOffset: 0 }
  }
}
