/** The time line of paced sound: sequence number, timestamp and moment of leaving of each packet follow the last. */
import type { Clock, TrackClock } from '../../core/types.ts'
import type { RtpPacket } from '../../media/types.ts'
import { PacedClock } from './paced-clock.ts'
import type { PacedFormat } from './paced-types.ts'
import type { RtpOutgoing, RtpSource } from './types.ts'

/** What was due so long ago has left: nothing overtakes it. */
const SURELY_LEFT_US = 5000
/** So much of what comes at once behind a pause is passed on. */
const MAX_AHEAD_US = 60_000
/** The sender's clock was set anew. */
const JUMP_US = 1_000_000

export class PacedLine {
  /** When the next packet leaves, if nothing is said of it; monotonic microseconds. */
  slotUs: number
  packets = 0
  /** Nothing leaves; time goes on, sequence numbers do not. */
  isPaused = false
  readonly #clock: Clock
  readonly #outgoing: RtpOutgoing
  /** When the last packet that was given a moment leaves. */
  #lastDueUs = Number.NEGATIVE_INFINITY
  /** What is passed on: the first number of this beginning, and what is added to numbers and times. */
  #passedFrom = 0
  #seqShift = 0
  #tsShift = 0
  /** What came since then has come at once. */
  #isCatchingUp = false
  #format: PacedFormat
  #time: PacedClock
  #ts = 0
  #seq = 0

  constructor(send: (source: RtpSource) => RtpOutgoing, format: PacedFormat, clock: Clock, firstUs: number) {
    this.slotUs = firstUs
    this.#clock = clock
    this.#format = format
    this.#time = new PacedClock(format.clockRate, firstUs, clock)
    this.#outgoing = send(this.#source)
  }

  /** Timestamp of the next packet. */
  get ts(): number {
    return this.#ts
  }

  adopt(format: PacedFormat): void {
    this.#time = new PacedClock(format.clockRate, this.#time.toStreamTime(this.#ts), this.#clock)
    this.#format = format
    this.#ts = 0
    this.#outgoing.retarget(this.#source)
  }

  follow(clock: TrackClock | undefined): void {
    this.#time.follow(clock)
  }

  /** The next packet begins something new: its timestamp says how much later it leaves than the last. */
  begin(dueUs: number): void {
    this.#ts = Math.max(this.#ts, this.#time.tickAt(dueUs))
  }

  /** `ticks`: how long it lasts; `sourceTs`: tick of the source, where it is its sound. */
  send(payload: Uint8Array, ticks: number, dueUs: number, marker: boolean, sourceTs?: number): void {
    this.#time.note(this.#ts, dueUs, sourceTs)
    this.#write(payload, this.#format.payloadType, this.#ts, dueUs, marker)
    this.skip(ticks, dueUs)
  }

  /** A packet of another payload type beside the sound, which does not move time on. */
  sendBeside(payload: Uint8Array, payloadType: number, ts: number, dueUs: number, marker: boolean): void {
    this.#write(payload, payloadType, ts, dueUs, marker)
  }

  /** Does it go on from what was passed on before? */
  follows({ ts, arrival }: RtpPacket): boolean {
    const laterUs = ((ts + this.#tsShift - this.#ts) * 1e6) / this.#format.clockRate
    return Math.abs(laterUs - (arrival - this.slotUs)) < JUMP_US
  }

  /** What a sender numbers and times itself begins with this packet. */
  beginPassing(packet: RtpPacket): void {
    this.begin(packet.arrival)
    this.#passedFrom = packet.seq
    this.#seqShift = this.#seq - packet.seq
    this.#tsShift = this.#ts - packet.ts
    this.#isCatchingUp = true
  }

  /**
   * A packet of that sender: gaps stay gaps. It leaves at once, though behind what waits to leave. false: it is left
   * out.
   */
  pass(packet: RtpPacket, ticks: number, isFirst: boolean): boolean {
    const { bytes, payloadStart, payloadEnd, arrival } = packet
    if (packet.seq < this.#passedFrom) return false
    if (!isFirst && this.#isCatchingUp && this.#isTooMuch(arrival, ticks))
      return this.#leaveOut(packet, ticks)
    const seq = packet.seq + this.#seqShift
    const ts = packet.ts + this.#tsShift
    const marker = isFirst || packet.marker
    const dueUs = this.#isWaiting(arrival) ? arrival : undefined
    this.packets += 1
    const passed = { bytes, payloadStart, payloadEnd, seq, ts, marker, key: true, head: true, arrival }
    this.#outgoing.write(passed, this.#format.payloadType, dueUs)
    if (seq < this.#seq) return true
    this.#seq = seq + 1
    this.#ts = ts
    this.#time.note(ts, arrival, packet.ts)
    this.skip(ticks, arrival)
    return true
  }

  /** Silence has stood for it: with both, the far side would hear all that follows later, and later each time. */
  #isTooMuch(arrival: number, ticks: number): boolean {
    const { clockRate } = this.#format
    this.#isCatchingUp = this.slotUs - arrival > (ticks * 0.75e6) / clockRate
    return this.#isCatchingUp && this.#time.toStreamTime(this.#ts) - arrival > MAX_AHEAD_US
  }

  /** What follows takes its place. */
  #leaveOut({ seq }: RtpPacket, ticks: number): false {
    this.#passedFrom = seq + 1
    this.#seqShift -= 1
    this.#tsShift -= ticks
    return false
  }

  /** Has what was given a moment perhaps not left yet? Asked for each packet: mostly its arrival alone tells. */
  #isWaiting(arrival: number): boolean {
    const leftUs = this.#lastDueUs + SURELY_LEFT_US
    return arrival <= leftUs && this.#clock.now() <= leftUs
  }

  /** Time goes on without a packet. */
  skip(ticks: number, dueUs: number): void {
    this.#ts += ticks
    this.slotUs = dueUs + (ticks * 1e6) / this.#format.clockRate
  }

  get #source(): RtpSource {
    const { clockRate, payloadType } = this.#format
    return { clock: this.#time, clockRate, payloadType }
  }

  #write(bytes: Uint8Array, payloadType: number, ts: number, dueUs: number, marker: boolean): void {
    if (this.isPaused) return
    this.packets += 1
    this.#lastDueUs = dueUs
    const packet: RtpPacket = {
      bytes,
      payloadStart: 0,
      payloadEnd: bytes.length,
      seq: this.#seq++,
      ts,
      marker,
      key: true,
      head: true,
      arrival: dueUs,
    }
    this.#outgoing.write(packet, payloadType, dueUs)
  }
}
