/**
 * Packets of sound in their order and at their time. What has not come when it is due is to be concealed; pauses of
 * the sender, packets of any length and in any order, and senders that begin anew are all taken as they come.
 */
import type { RtpPacket } from '../types.ts'
import { PlayoutDelay, type PlayoutDelayOptions } from './playout-delay.ts'

/** Counters only grow, but for the two gauges at the end. */
export interface JitterBufferStats {
  readonly packets: number
  /** Came when their time was over. */
  readonly late: number
  readonly duplicate: number
  /** More were there than may wait. */
  readonly overflowed: number
  /**
   * Milliseconds concealed because packets were lost or late, and those in which nothing was sent: sequence numbers tell
   * which, as soon as sound goes on.
   */
  readonly concealedMs: number
  readonly silentMs: number
  readonly delayMs: number
  readonly unevennessMs: number
}

/** What is concealed at a time, seconds. */
const STEP_S = 0.02
/** So long is concealed when nothing comes; then the source is taken to pause. Senders with DTX speak every 0.4 s. */
const PATIENCE_S = 2
const MOST_PACKETS = 64

interface Waiting {
  readonly packet: RtpPacket
  readonly duration: number
}

export class JitterBuffer {
  readonly #delay: PlayoutDelay
  readonly #rate: number
  readonly #step: number
  readonly #waiting: Waiting[] = []
  /** Where the next sound belongs; undefined: at the next packet, wherever that is. */
  #next: number | undefined
  /** Of the last packet taken. */
  #seq: number | undefined
  #duration = 0
  /** Ticks concealed since then. */
  #missing = 0
  #taken = 0
  #packets = 0
  #late = 0
  #duplicate = 0
  #overflowed = 0
  #concealed = 0
  #silent = 0

  constructor(options: PlayoutDelayOptions) {
    this.#delay = new PlayoutDelay(options)
    this.#rate = options.rate
    this.#step = Math.round(options.rate * STEP_S)
  }

  /** `duration`: ticks of sound in it. `arrivalUs`: when it is counted to have come, monotonic. */
  put(packet: RtpPacket, duration: number, arrivalUs = packet.arrival): void {
    this.#packets += 1
    if (this.#delay.note(packet.ts, arrivalUs)) this.#beginAnew(packet.seq)
    if (this.#next !== undefined && packet.ts < this.#next) this.#late += 1
    else this.#insert({ packet, duration })
  }

  /** Monotonic microseconds at which there is something to take, perhaps; undefined: after the next packet. */
  get wakeUs(): number | undefined {
    const ts = this.#next ?? this.#waiting[0]?.packet.ts
    return ts === undefined ? undefined : this.#delay.dueUs(ts)
  }

  /** When the sound of this tick is due; undefined before the first packet. */
  dueUs(ts: number): number | undefined {
    return this.#delay.dueUs(ts)
  }

  /** The next packet if it is there, for whoever keeps it himself until it is due. */
  next(): RtpPacket | undefined {
    return this.#isNextThere() ? this.#play(this.#waiting.shift()!) : undefined
  }

  /** Tick of what was taken last. */
  get takenTs(): number {
    return this.#taken
  }

  /** Ticks that the packet taken last lasts. */
  get takenTicks(): number {
    return this.#duration
  }

  /** A packet that is due, or ticks that are to be concealed; undefined: nothing is due. */
  take(nowUs: number): RtpPacket | number | undefined {
    const wake = this.wakeUs
    if (wake === undefined || wake > nowUs) return undefined
    return this.#isNextThere() ? this.#play(this.#waiting.shift()!) : this.#conceal(this.#waiting[0])
  }

  get stats(): JitterBufferStats {
    const ms = 1000 / this.#rate
    return {
      packets: this.#packets,
      late: this.#late,
      duplicate: this.#duplicate,
      overflowed: this.#overflowed,
      concealedMs: Math.round(this.#concealed * ms),
      silentMs: Math.round(this.#silent * ms),
      delayMs: this.#delay.delayUs / 1000,
      unevennessMs: this.#delay.unevennessUs / 1000,
    }
  }

  #isNextThere(): boolean {
    const first = this.#waiting[0]
    return first !== undefined && (this.#next === undefined || first.packet.ts <= this.#next)
  }

  #play({ packet, duration }: Waiting): RtpPacket {
    if (this.#missing > 0) this.#account(packet.seq)
    this.#seq = packet.seq
    this.#taken = packet.ts
    this.#duration = duration
    this.#next = packet.ts + duration
    return packet
  }

  /** Of what was missing before this packet, only what was sent was lost. */
  #account(seq: number): void {
    const lost = this.#seq === undefined ? 0 : Math.max(0, seq - this.#seq - 1) * this.#duration
    const concealed = Math.min(this.#missing, lost)
    this.#concealed += concealed
    this.#silent += this.#missing - concealed
    this.#missing = 0
  }

  #conceal(first: Waiting | undefined): number | undefined {
    const at = this.#next!
    if (this.#missing >= PATIENCE_S * this.#rate) {
      // It pauses: the next packet says where sound goes on.
      this.#next = undefined
      return undefined
    }
    const step = first === undefined ? this.#step : Math.min(this.#step, first.packet.ts - at)
    this.#missing += step
    this.#taken = at
    this.#next = at + step
    return step
  }

  #insert(entry: Waiting): void {
    const waiting = this.#waiting
    let at = waiting.length
    while (at > 0 && waiting[at - 1]!.packet.ts > entry.packet.ts) at--
    if (at > 0 && waiting[at - 1]!.packet.ts === entry.packet.ts) {
      this.#duplicate += 1
      return
    }
    if (at === waiting.length) waiting.push(entry)
    else waiting.splice(at, 0, entry)
    if (waiting.length <= MOST_PACKETS) return
    waiting.shift()
    this.#overflowed += 1
  }

  #beginAnew(seq: number): void {
    if (this.#missing > 0) this.#account(seq)
    this.#waiting.length = 0
    this.#next = undefined
    this.#seq = undefined
  }
}
