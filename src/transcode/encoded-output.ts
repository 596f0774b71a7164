/** What runs make, as one track: one run after the other, one time line, parameters that change only in substance. */
import type { Clock, TrackWriter } from '../core/types.ts'
import type { CodecParameters } from '../media/types.ts'
import type { EncodedPacket, Run } from './run.ts'
import { sameParams } from './same-params.ts'
import type { OutputTimeline } from './types.ts'

/** Weight of one packet in the smoothed latency. */
const SMOOTHING = 1 / 32

export class EncodedOutput {
  packetsOut = 0
  /** Packets before the first sample of a run, left out. */
  primed = 0
  latencyUs = 0
  readonly #out: TrackWriter<'frame'>
  readonly #clock: Clock
  readonly #timeline: OutputTimeline
  #speaking: Run | undefined
  readonly #over = new WeakSet<Run>()
  /** A run may begin before the one before it has said everything. */
  #held: EncodedPacket[] = []
  #startOver = false
  #params: CodecParameters | undefined

  constructor(out: TrackWriter<'frame'>, clock: Clock, timeline: OutputTimeline) {
    this.#out = out
    this.#clock = clock
    this.#timeline = timeline
  }

  /** The source's clock was set anew: the times of the next run start over. */
  startOver(): void {
    this.#startOver = true
  }

  take(packet: EncodedPacket): void {
    const { run } = packet
    const before = this.#speaking
    if (run !== before && before !== undefined && !this.#over.has(before)) {
      this.#held.push(packet)
      return
    }
    if (run !== before) this.#listenTo(run)
    this.#give(packet)
  }

  /** All that `run` made has been taken. */
  ended(run: Run): void {
    this.#over.add(run)
    if (run !== this.#speaking) return
    const held = this.#held
    this.#held = []
    for (const packet of held) this.take(packet)
  }

  #give({ run, pts, key, data, waitedUs }: EncodedPacket): void {
    const { recipe, params } = run
    const duration = recipe.durationOf(data)
    const placed = this.#timeline.place(pts, duration)
    if (placed === undefined || params === undefined) {
      // Encoders begin with what lies before their first sample.
      this.primed += 1
      return
    }
    this.packetsOut += 1
    this.latencyUs += (waitedUs - this.latencyUs) * (this.packetsOut === 1 ? 1 : SMOOTHING)
    this.#out.write({
      units: recipe.unitsOf(data),
      pts: placed.pts,
      dts: placed.pts,
      duration,
      key,
      params: this.#adopt(params),
      discontinuity: placed.discontinuity,
      arrival: this.#clock.now(),
    })
  }

  #listenTo(run: Run): void {
    this.#speaking = run
    if (this.#startOver) this.#timeline.reset()
    this.#startOver = false
  }

  #adopt(params: CodecParameters): CodecParameters {
    if (this.#params !== undefined && sameParams(this.#params, params)) return this.#params
    this.#params = params
    this.#out.setParams(params)
    return params
  }
}
