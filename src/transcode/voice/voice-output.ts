/** Packets of 20 ms at their places on the derived track's time line, which are those of the source. */
import type { Clock, TrackWriter } from '../../core/types.ts'
import type { CodecParameters } from '../../media/types.ts'

const PACKET_S = 0.02
/** Times of a source that are so little off are rounded, not wrong. */
const TOLERANCE_S = 0.01
/** A step back beyond this is a clock that was set anew; below it, sound that came twice. */
const BACK_S = 1

export class VoiceOutput {
  packets = 0
  readonly #out: TrackWriter<'frame'>
  readonly #clock: Clock
  readonly #sourceRate: number
  readonly #rate: number
  readonly #duration: number
  #params: CodecParameters | undefined
  /** Tick of the source that the next sample of it has; undefined before the first. */
  #expected: number | undefined
  #next = Number.NEGATIVE_INFINITY
  #isBroken = false

  constructor(out: TrackWriter<'frame'>, sourceRate: number, clock: Clock) {
    this.#out = out
    this.#clock = clock
    this.#sourceRate = sourceRate
    this.#rate = out.clock.rate
    this.#duration = Math.round(this.#rate * PACKET_S)
  }

  /** What is made from now on. */
  adopt(params: CodecParameters): void {
    this.#params = params
    this.#out.setParams(params)
  }

  /**
   * So many ticks of the source from `ts` on are encoded next. false: they do not follow those before, so what was left
   * of these is to be dropped.
   */
  follow(ts: number, ticks: number): boolean {
    const expected = this.#expected
    const follows = expected !== undefined && Math.abs(ts - expected) <= TOLERANCE_S * this.#sourceRate
    this.#expected = (follows ? expected : ts) + ticks
    if (!follows) this.#goOnAt(ts, expected !== undefined)
    return follows
  }

  write(data: Uint8Array): void {
    const pts = this.#next
    this.#next += this.#duration
    this.packets += 1
    this.#out.write({
      units: [data],
      pts,
      dts: pts,
      duration: this.#duration,
      key: true,
      params: this.#params!,
      discontinuity: this.#isBroken,
      arrival: this.#clock.now(),
    })
    this.#isBroken = false
  }

  #goOnAt(ts: number, isBroken: boolean): void {
    const at = Math.round((ts / this.#sourceRate) * this.#rate)
    const isOverlap = at < this.#next && this.#next - at < BACK_S * this.#rate
    if (!isOverlap) this.#next = at
    this.#isBroken = isBroken
  }
}
