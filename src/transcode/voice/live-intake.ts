/** Packets off the network: each decoded when it is due, what does not come in time concealed. */
import type { Clock } from '../../core/types.ts'
import type { CodecParameters, RtpPacket } from '../../media/types.ts'
import { JitterBuffer, type JitterBufferStats } from '../../media/voice/jitter-buffer.ts'
import type { Chain } from './chain.ts'
import { ticksOf } from './ticks.ts'

/** A timer that comes so much too early has come. */
const EARLY_US = 500
/** One that comes so late: packets may lie unread, they are read first. */
const BLOCKED_US = 3000

export interface LiveIntakeOptions {
  readonly params: CodecParameters
  readonly chain: Chain
  readonly clock: Clock
  /** So many ticks from `ts` on are given to the chain next. */
  readonly place: (ts: number, ticks: number) => void
  readonly damaged: () => void
  /** The chain or a reader threw. */
  readonly failed: (error: unknown) => void
}

export class LiveIntake {
  readonly #options: LiveIntakeOptions
  readonly #buffer: JitterBuffer
  readonly #play = (): void => this.#wake()
  #cancel: (() => void) | undefined
  #timerUs = 0
  #hasWaited = false

  constructor(options: LiveIntakeOptions) {
    this.#options = options
    this.#buffer = new JitterBuffer({ rate: options.params.clockRate })
  }

  get stats(): JitterBufferStats {
    return this.#buffer.stats
  }

  take(packet: RtpPacket): void {
    const { params, clock } = this.#options
    const payload = packet.bytes.subarray(packet.payloadStart, packet.payloadEnd)
    const duration = ticksOf(params, payload)
    if (duration === undefined) this.#options.damaged()
    // What counts is when it was read: a busy event loop is an uneven network.
    else this.#buffer.put(packet, duration, clock.now())
    if (this.#cancel === undefined) this.#arm()
  }

  close(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #wake(): void {
    this.#cancel = undefined
    const now = this.#options.clock.now()
    this.#hasWaited = !this.#hasWaited && now - this.#timerUs > BLOCKED_US
    if (this.#hasWaited) {
      this.#armAt(now)
      return
    }
    try {
      this.#drain(now + EARLY_US)
    } catch (error) {
      this.#options.failed(error)
      return
    }
    this.#arm()
  }

  #drain(now: number): void {
    const buffer = this.#buffer
    for (let next = buffer.take(now); next !== undefined; next = buffer.take(now)) this.#give(next)
  }

  #give(next: RtpPacket | number): void {
    if (typeof next === 'number') this.#conceal(next)
    else this.#decode(next)
  }

  #conceal(ticks: number): void {
    const { chain, params, place } = this.#options
    place(this.#buffer.takenTs, ticks)
    chain.conceal(ticks / params.clockRate)
  }

  #decode({ bytes, payloadStart, payloadEnd, ts }: RtpPacket): void {
    const { chain, params, place, damaged } = this.#options
    const payload = bytes.subarray(payloadStart, payloadEnd)
    const ticks = ticksOf(params, payload) ?? 0
    place(ts, ticks)
    if (chain.decode(payload)) return
    damaged()
    chain.conceal(ticks / params.clockRate)
  }

  #arm(): void {
    const wake = this.#buffer.wakeUs
    if (wake !== undefined) this.#armAt(wake)
  }

  #armAt(us: number): void {
    const { clock } = this.#options
    this.#timerUs = us
    this.#cancel = clock.after(Math.max(0, us - clock.now()), this.#play)
  }
}
