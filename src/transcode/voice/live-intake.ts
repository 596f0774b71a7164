/**
 * Packets off the network: each decoded as soon as those before it have been; what does not come in time is concealed.
 * Whoever plays them keeps them for as long as they come unevenly: to be kept here too would only add delay.
 */
import type { Clock } from '../../core/types.ts'
import type { CodecParameters, RtpPacket } from '../../media/types.ts'
import { JitterBuffer, type JitterBufferStats } from '../../media/voice/jitter-buffer.ts'
import type { Chain } from './chain.ts'
import { ticksOf } from './ticks.ts'

/** A timer that comes so much too early has come. */
const EARLY_US = 500
const SMOOTHING = 1 / 16

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
  /** When something was found to be due: what had come until then may lie unread, and is read first. */
  #foundUs: number | undefined
  #latencyUs = 0

  constructor(options: LiveIntakeOptions) {
    this.#options = options
    this.#buffer = new JitterBuffer({ rate: options.params.clockRate })
  }

  get stats(): JitterBufferStats {
    return this.#buffer.stats
  }

  /** From the arrival of a packet to its being encoded, smoothed. */
  get latencyMs(): number {
    return this.#latencyUs / 1000
  }

  take(packet: RtpPacket): void {
    const duration = ticksOf(this.#options.params, payloadOf(packet))
    if (duration === undefined) this.#options.damaged()
    else this.#buffer.put(packet, duration)
    this.#playOn()
    if (this.#cancel === undefined) this.#arm()
  }

  close(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #wake(): void {
    this.#cancel = undefined
    const foundUs = this.#foundUs
    const now = this.#options.clock.now()
    this.#foundUs = foundUs === undefined && this.#isDue(now) ? now : undefined
    if (this.#foundUs !== undefined) {
      this.#armAt(now)
      return
    }
    try {
      if (foundUs !== undefined) this.#drain(foundUs + EARLY_US)
    } catch (error) {
      this.#options.failed(error)
      return
    }
    this.#arm()
  }

  #isDue(now: number): boolean {
    const { wakeUs } = this.#buffer
    return wakeUs !== undefined && wakeUs <= now + EARLY_US
  }

  #drain(now: number): void {
    const buffer = this.#buffer
    for (let next = buffer.take(now); next !== undefined; next = buffer.take(now)) {
      if (typeof next === 'number') this.#conceal(next)
      else this.#decode(next)
      this.#playOn()
    }
  }

  #playOn(): void {
    const buffer = this.#buffer
    for (let next = buffer.next(); next !== undefined; next = buffer.next()) this.#decode(next)
  }

  #conceal(ticks: number): void {
    const { chain, params, place } = this.#options
    place(this.#buffer.takenTs, ticks)
    chain.conceal(ticks / params.clockRate)
  }

  #decode(packet: RtpPacket): void {
    const { chain, clock, params, place, damaged } = this.#options
    const { takenTicks } = this.#buffer
    place(packet.ts, takenTicks)
    if (!chain.decode(payloadOf(packet))) {
      damaged()
      chain.conceal(takenTicks / params.clockRate)
    }
    this.#latencyUs += (clock.now() - packet.arrival - this.#latencyUs) * SMOOTHING
  }

  #arm(): void {
    const wake = this.#buffer.wakeUs
    if (wake !== undefined) this.#armAt(wake)
  }

  #armAt(us: number): void {
    const { clock } = this.#options
    this.#cancel = clock.after(Math.max(0, us - clock.now()), this.#play)
  }
}

const payloadOf = ({ bytes, payloadStart, payloadEnd }: RtpPacket): Uint8Array =>
  bytes.subarray(payloadStart, payloadEnd)
