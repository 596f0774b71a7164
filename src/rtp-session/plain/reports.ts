/** The RTCP that an endpoint writes: reports, requests for what is missing, and the farewell. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/types.ts'
import type { RtcpPacket } from '../../media/rtcp/types.ts'
import type { Incoming } from './incoming.ts'
import type { Outgoing } from './outgoing.ts'

/** How often lost packets are asked for, while some are. */
const NACK_US = 20_000
/** Assumed until the peer's reports tell: a repeated NACK is cheap, a late one is not. */
const ROUND_TRIP_US = 100_000
/** A PLI that brought no key frame is followed by a FIR (RFC 5104 4.3.1), which some sources obey alone. */
const FIR_AFTER_REQUESTS = 2

export interface ReportsOptions {
  readonly ssrc: number
  readonly clock: Clock
  readonly everyUs: number
  readonly incoming: Incoming
  readonly outgoing: () => Outgoing | undefined
  readonly send: (packets: readonly RtcpPacket[]) => void
  /** Once per report. */
  readonly onTick: (nowUs: number) => void
}

export class Reports {
  /** Key frames asked for so far. */
  keyframesAsked = 0
  /** Key frames asked for since the last one came. */
  unanswered = 0
  readonly #options: ReportsOptions
  /** Random: it says nothing of the machine (RFC 7022 4.2). */
  readonly #cname = randomBytes(12).toString('base64url')
  #feedback: readonly string[] = []
  #takesNacks = false
  #firSequence = 0
  #cancelReport: (() => void) | undefined
  #cancelNack: (() => void) | undefined

  constructor(options: ReportsOptions) {
    this.#options = options
  }

  agree(feedback: readonly string[]): void {
    this.#feedback = feedback
    this.#takesNacks = feedback.includes('nack')
    this.#cancelReport ??= this.#schedule(this.#options.everyUs / 10)
  }

  /** A packet came in: those before it may be missing. */
  received(): void {
    if (!this.#takesNacks || this.#cancelNack !== undefined || !this.#options.incoming.isMissingPackets)
      return
    this.#cancelNack = this.#options.clock.after(NACK_US, this.#askAgain)
  }

  /** false: the peer understands no request, or nothing has come yet. */
  requestKeyframe(): boolean {
    const { ssrc: sender, incoming } = this.#options
    const media = incoming.ssrc
    const [pli, fir] = [this.#feedback.includes('nack pli'), this.#feedback.includes('ccm fir')]
    if (media === undefined || !(pli || fir)) return false
    const packets: RtcpPacket[] = pli ? [{ type: 'picture-loss', sender, media }] : []
    if (fir && (!pli || this.unanswered >= FIR_AFTER_REQUESTS)) {
      this.#firSequence = (this.#firSequence + 1) & 255
      const requests = [{ ssrc: media, sequence: this.#firSequence }]
      packets.push({ type: 'full-intra-request', sender, requests })
    }
    this.keyframesAsked++
    this.unanswered++
    this.#options.send([...this.#report(this.#options.clock.now(), false), ...packets])
    return true
  }

  close(reason: string): void {
    this.#cancelReport?.()
    this.#cancelNack?.()
    const { ssrc, incoming, outgoing, clock, send } = this.#options
    if (incoming.ssrc === undefined && outgoing() === undefined) return
    send([...this.#report(clock.now(), true), { type: 'bye', ssrcs: [ssrc], reason }])
  }

  #schedule(delayUs: number): () => void {
    return this.#options.clock.after(delayUs, this.#tick)
  }

  readonly #tick = (): void => {
    const now = this.#options.clock.now()
    this.#cancelReport = this.#schedule(this.#options.everyUs)
    this.#options.send(this.#report(now, true))
    this.#options.onTick(now)
  }

  /** Every compound begins with a report (RFC 3550 6.1); block intervals count from full ones only. */
  #report(nowUs: number, full: boolean): readonly RtcpPacket[] {
    const { ssrc, incoming, outgoing } = this.#options
    const name: RtcpPacket = { type: 'source-description', ssrc, cname: this.#cname }
    if (!full) return [{ type: 'receiver-report', ssrc, blocks: [] }, name]
    const blocks = incoming.report(nowUs)
    const sent = outgoing()?.report(nowUs)
    return [sent === undefined ? { type: 'receiver-report', ssrc, blocks } : { ...sent, blocks }, name]
  }

  readonly #askAgain = (): void => {
    this.#cancelNack = undefined
    const { ssrc: sender, incoming, clock, outgoing, send } = this.#options
    const now = clock.now()
    const roundTripMs = outgoing()?.stats.roundTripMs
    const sequences = incoming.missing(now, roundTripMs === undefined ? ROUND_TRIP_US : roundTripMs * 1000)
    if (sequences.length > 0)
      send([...this.#report(now, false), { type: 'nack', sender, media: incoming.ssrc!, sequences }])
    this.received()
  }
}
