/** Sound of one track in one codec on its way out: ordered, cut to packets, gaps filled, each with its moment. */
import { readOpusDuration } from '../../media/opus/toc.ts'
import type { RtpPacket } from '../../media/types.ts'
import { JitterBuffer } from '../../media/voice/jitter-buffer.ts'
import type { GapFiller } from './gap-filler.ts'
import type { PacedFormat } from './paced-types.ts'
import { createSoundQueue, packetTicks, type SoundBlock, type SoundQueue } from './sound-queue.ts'

/** The least that sound waits here, for what comes from within is even. */
const MIN_DELAY_MS = 10

/** Bytes in one tick, of all channels; undefined: packets of the codec cannot be cut. */
const tickBytesOf = ({ codec, channels }: PacedFormat): number | undefined => {
  if (codec === 'opus') return undefined
  return codec === 'l16' ? 2 * channels : channels
}

export class PacedIntake {
  readonly #rate: number
  readonly #tickBytes: number | undefined
  readonly #filler: GapFiller
  readonly #queue: SoundQueue
  readonly #buffer: JitterBuffer
  /** Ticks of one packet of ours. */
  readonly ticks: number
  malformed = 0
  filled = 0
  /** Parts of one packet of ours come so much apart. */
  #spread = 0

  constructor(format: PacedFormat, filler: GapFiller) {
    this.#rate = format.clockRate
    this.#tickBytes = tickBytesOf(format)
    this.#filler = filler
    this.ticks = packetTicks(format.clockRate, this.#tickBytes)
    this.#queue = createSoundQueue(this.#tickBytes, this.ticks)
    this.#buffer = new JitterBuffer({ rate: format.clockRate, minMs: MIN_DELAY_MS })
  }

  put(packet: RtpPacket, nowUs: number): void {
    const ticks = this.#ticksOf(packet)
    if (ticks === undefined) {
      this.malformed += 1
      return
    }
    this.#buffer.put(packet, ticks, nowUs)
    for (let next = this.#buffer.next(); next !== undefined; next = this.#buffer.next()) this.#push(next)
  }

  /** How long it lasts, if it could leave as it is; 0: it is to be cut or joined, or damaged. */
  wholeTicks(packet: RtpPacket): number {
    const ticks = this.#ticksOf(packet) ?? 0
    return this.#tickBytes === undefined || ticks === this.ticks ? ticks : 0
  }

  /** The next packet of ours that is complete. */
  shift(): SoundBlock | undefined {
    const block = this.#queue.shift()
    if (block !== undefined && block.spread > this.#spread) this.#spread = block.spread
    return block
  }

  /** When sound of this tick of the source leaves, as far as the source tells. */
  dueUs(ts: number): number {
    return (this.#buffer.dueUs(ts) ?? 0) + this.#spreadUs
  }

  /** When something is due; undefined: nothing has come, or no more. */
  get wakeUs(): number | undefined {
    const wake = this.#buffer.wakeUs
    return wake === undefined ? undefined : wake + this.#spreadUs
  }

  /** Is something due by then that has not come? */
  isDue(untilUs: number): boolean {
    const wake = this.wakeUs
    return wake !== undefined && wake <= untilUs
  }

  /** Makes up what is due by then and has not come. */
  conceal(untilUs: number): void {
    for (;;) {
      const next = this.#buffer.take(untilUs - this.#spreadUs)
      if (next === undefined) return
      if (typeof next === 'number') this.#fill(next)
      else this.#push(next)
    }
  }

  get #spreadUs(): number {
    return (this.#spread * 1e6) / this.#rate
  }

  #push(packet: RtpPacket): void {
    const { bytes, payloadStart, payloadEnd, ts } = packet
    const mended = this.#filler.mend(bytes.subarray(payloadStart, payloadEnd))
    this.#filler.heard(mended)
    this.#queue.push(mended, ts, this.#ticksOf(packet) ?? 0, ts)
  }

  #fill(ticks: number): void {
    const ts = this.#buffer.takenTs
    this.filled += 1
    this.#queue.push(this.#filler.fill(ticks), ts, ticks, ts)
  }

  #ticksOf({ bytes, payloadStart, payloadEnd }: RtpPacket): number | undefined {
    if (this.#tickBytes === undefined) return readOpusDuration(bytes.subarray(payloadStart, payloadEnd))
    const ticks = (payloadEnd - payloadStart) / this.#tickBytes
    return ticks > 0 && Number.isInteger(ticks) ? ticks : undefined
  }
}
