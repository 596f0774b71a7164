import { type ReorderCounters, ReorderWindow } from '../../media/rtp/reorder-window.ts'
import type { RtpPacket } from '../../media/types.ts'
import { TsIngest, type TsIngestOptions } from './ts-ingest.ts'

/** How long a packet that is missing is waited for; nobody sends it again. */
const WINDOW_US = 100_000

/** A line of RTP that carries a transport stream (RFC 2250 2): whole transport packets, one behind the other. */
export class TsLine {
  readonly missing = 'no program was found in what came'
  readonly #ingest: TsIngest
  readonly #window: ReorderWindow

  constructor(options: TsIngestOptions) {
    this.#ingest = new TsIngest(options)
    const counters: ReorderCounters = { lost: 0, reordered: 0, duplicate: 0, malformed: 0, framesDropped: 0 }
    this.#window = new ReorderWindow(WINDOW_US, counters, {
      onPacket: ({ bytes, payloadStart, payloadEnd, arrival }) =>
        this.#ingest.push(bytes, payloadStart, payloadEnd, arrival),
      // Each transport packet is counted, so the gap shows there.
      onGap: () => {},
    })
  }

  get isOpen(): boolean {
    return this.#ingest.isReady
  }

  packet(packet: RtpPacket): void {
    this.#window.push(packet, packet.arrival)
  }

  /** Its tracks have the times inside, all of one clock. */
  senderReport(): void {}

  close(): void {
    this.#ingest.end()
  }
}
