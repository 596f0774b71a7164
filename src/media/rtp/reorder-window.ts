import type { RtpPacket } from '../types.ts'
import type { DepacketiserStats } from './types.ts'

/** Packets that may wait behind a gap; a power of two. */
const SLOTS = 1024
const MASK = SLOTS - 1

export interface ReorderEvents {
  /** The next packet in order. */
  onPacket(packet: RtpPacket): void
  /** `count` packets before the next one are given up. */
  onGap(count: number): void
}
export type ReorderCounters = { -readonly [K in keyof DepacketiserStats]: number }

/**
 * Puts packets back in order. A gap is waited for until `windowUs` after the first packet behind it came in,
 * or until the window is full. In order and without a gap, a packet passes straight through.
 */
export class ReorderWindow {
  readonly #events: ReorderEvents
  readonly #windowUs: number
  readonly #stats: ReorderCounters
  readonly #slots: (RtpPacket | undefined)[] = new Array(SLOTS).fill(undefined)
  readonly #times = new Float64Array(SLOTS)
  #next: number | undefined
  #waiting = 0
  #highest = 0
  /** When the head gap is given up; meaningful while packets wait. */
  #deadlineUs = 0
  /** Follow-up of a packet from far behind: two in a row mean that the source has begun anew. */
  #restart: number | undefined

  constructor(windowUs: number, stats: ReorderCounters, events: ReorderEvents) {
    this.#windowUs = windowUs
    this.#stats = stats
    this.#events = events
  }

  push(packet: RtpPacket, nowUs: number): void {
    this.#next ??= packet.seq
    if (packet.seq === this.#next && this.#waiting === 0) this.#pass(packet)
    else if (packet.seq < this.#next) this.#late(packet, nowUs)
    else this.#hold(packet, nowUs)
    if (this.#waiting > 0) this.poll(nowUs)
  }

  /** Gives up gaps whose time is over. */
  poll(nowUs: number): void {
    while (this.#waiting > 0 && nowUs >= this.#deadlineUs) this.#skipGap()
  }

  #pass(packet: RtpPacket): void {
    this.#next = packet.seq + 1
    this.#highest = packet.seq
    this.#events.onPacket(packet)
  }

  #late(packet: RtpPacket, nowUs: number): void {
    const farBehind = this.#next! - packet.seq > SLOTS
    if (farBehind && packet.seq === this.#restart) {
      this.#startAt(packet.seq)
      this.push(packet, nowUs)
    } else {
      this.#restart = farBehind ? packet.seq + 1 : undefined
      this.#stats.duplicate += 1
    }
  }

  /** The source numbers its packets anew. */
  #startAt(seq: number): void {
    while (this.#waiting > 0) this.#skipGap()
    this.#next = seq
    this.#restart = undefined
    this.#stats.lost += 1
    this.#events.onGap(1)
  }

  #hold(packet: RtpPacket, nowUs: number): void {
    while (this.#waiting > 0 && packet.seq - this.#next! >= SLOTS) this.#skipGap()
    const gap = packet.seq - this.#next!
    if (gap >= SLOTS) {
      this.#lose(gap)
      this.#next = packet.seq
    }
    if (this.#slots[packet.seq & MASK] !== undefined) {
      this.#stats.duplicate += 1
      return
    }
    if (this.#waiting > 0 && packet.seq < this.#highest) this.#stats.reordered += 1
    this.#slots[packet.seq & MASK] = packet
    this.#times[packet.seq & MASK] = nowUs
    this.#waiting += 1
    this.#highest = Math.max(this.#highest, packet.seq)
    if (this.#waiting === 1) this.#deadlineUs = nowUs + this.#windowUs
    this.#drain()
  }

  /** Passes on what is in order now. */
  #drain(): void {
    const before = this.#next!
    for (;;) {
      const slot = this.#next! & MASK
      const packet = this.#slots[slot]
      if (packet === undefined) break
      this.#slots[slot] = undefined
      this.#waiting -= 1
      this.#next = packet.seq + 1
      this.#events.onPacket(packet)
    }
    if (this.#waiting > 0 && this.#next !== before)
      this.#deadlineUs = this.#firstWaitingTime() + this.#windowUs
  }

  #firstWaiting(): number {
    let seq = this.#next!
    while (this.#slots[seq & MASK] === undefined) seq += 1
    return seq
  }

  #firstWaitingTime(): number {
    return this.#times[this.#firstWaiting() & MASK]!
  }

  #skipGap(): void {
    const first = this.#firstWaiting()
    this.#lose(first - this.#next!)
    this.#next = first
    this.#drain()
  }

  #lose(count: number): void {
    this.#stats.lost += count
    this.#events.onGap(count)
  }
}
