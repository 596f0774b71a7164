/** The time line of paced sound: sequence number, timestamp and moment of leaving of each packet follow the last. */
import type { Clock, TrackClock } from '../../core/types.ts'
import type { RtpPacket } from '../../media/types.ts'
import { PacedClock } from './paced-clock.ts'
import type { PacedFormat } from './paced-types.ts'
import type { RtpOutgoing, RtpSource } from './types.ts'

export class PacedLine {
  /** When the next packet leaves, if nothing is said of it; monotonic microseconds. */
  slotUs: number
  packets = 0
  /** Nothing leaves; time goes on, sequence numbers do not. */
  isPaused = false
  readonly #clock: Clock
  readonly #outgoing: RtpOutgoing
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
