import type { RtpPacket } from '../types.ts'
import type { FrameSink, PayloadReader } from './payload.ts'
import type { ReorderCounters } from './reorder-window.ts'

/**
 * More than any real frame has (about 10 MB): a source that never ends its frame must not fill the memory.
 */
const MAX_PACKETS = 8192

/**
 * Groups packets that are in order into frames. A frame that touches a gap is dropped as a whole: what lies
 * on either side of a gap only counts as complete when it provably ended before it or begins after it.
 */
export class FrameAssembler {
  readonly #reader: PayloadReader
  readonly #sink: FrameSink
  readonly #stats: ReorderCounters
  readonly #onDamage: (packets: number) => void
  readonly #packets: RtpPacket[] = []
  /** Waiting for the certain start of a frame. */
  #lost = true
  /** The next packet comes right behind a gap. */
  #afterGap = true
  /** The frame being collected began right behind a gap. */
  #resumed = false
  /** Timestamp of the frame that is being left out. */
  #skippedTs: number | undefined

  constructor(
    reader: PayloadReader,
    sink: FrameSink,
    stats: ReorderCounters,
    onDamage: (packets: number) => void,
  ) {
    this.#reader = reader
    this.#sink = sink
    this.#stats = stats
    this.#onDamage = onDamage
  }

  packet(packet: RtpPacket): void {
    if (packet.payloadEnd === packet.payloadStart) return
    if (this.#lost && !this.#resumes(packet)) return
    if (this.#packets.length > 0 && packet.ts !== this.#packets[0]!.ts) this.#finish()
    if (this.#packets.length === MAX_PACKETS) this.#giveUp()
    else this.#packets.push(packet)
    if (this.#packets.length > 0 && (packet.marker || this.#reader.framePerPacket)) this.#finish()
  }

  gap(): void {
    this.#lost = true
    this.#afterGap = true
    if (this.#packets.length === 0) return
    this.#skip(this.#packets[0]!.ts)
    this.#packets.length = 0
  }

  /** The frame has too many packets: nothing of it is put out. */
  #giveUp(): void {
    this.#lost = true
    this.#stats.malformed += MAX_PACKETS
    this.#skip(this.#packets[0]!.ts)
    this.#packets.length = 0
    this.#onDamage(MAX_PACKETS)
  }

  #skip(ts: number): void {
    this.#skippedTs = ts
    this.#stats.framesDropped += 1
  }

  #resumes(packet: RtpPacket): boolean {
    const afterGap = this.#afterGap
    this.#afterGap = false
    const skipped = packet.ts === this.#skippedTs
    if (!skipped && (!afterGap || this.#reader.isHead(packet))) {
      this.#lost = false
      this.#resumed = afterGap
      return true
    }
    if (!skipped) this.#skip(packet.ts)
    if (packet.marker) this.#lost = false
    return false
  }

  #finish(): void {
    const count = this.#packets.length
    this.#sink.arrival = this.#packets[count - 1]!.arrival
    if (!this.#reader.read(this.#packets, this.#sink, this.#resumed)) {
      this.#stats.malformed += count
      this.#stats.framesDropped += 1
      this.#onDamage(count)
    }
    this.#resumed = false
    this.#packets.length = 0
  }
}
