/** What runs make, as one track: one run after the other, one time line, parameters that change only in substance. */
import type { Clock, TrackWriter } from '../core/types.ts'
import type { CodecParameters } from '../media/types.ts'
import { createOutputTimeline } from './audio/output-timeline.ts'
import { sameAudio } from './audio/same-audio.ts'
import type { Run } from './run.ts'

/** Weight of one packet in the smoothed latency. */
const SMOOTHING = 1 / 32

export class EncodedOutput {
  packetsOut = 0
  /** Packets before the first sample of a run, left out. */
  primed = 0
  latencyUs = 0
  readonly #out: TrackWriter<'frame'>
  readonly #clock: Clock
  readonly #drop: (cause: string) => void
  readonly #timeline = createOutputTimeline()
  /** The newest run that was heard of: what an older one still says after it comes too late. */
  #speaking: Run | undefined
  readonly #silenced = new WeakSet<Run>()
  #startOver = false
  #params: CodecParameters | undefined

  constructor(out: TrackWriter<'frame'>, clock: Clock, drop: (cause: string) => void) {
    this.#out = out
    this.#clock = clock
    this.#drop = drop
  }

  /** The source's clock was set anew: the times of the next run start over. */
  startOver(): void {
    this.#startOver = true
  }

  /** A packet of `run`, `pts` in ticks of its target. */
  take(run: Run, pts: number, data: Uint8Array, waitedUs: number): void {
    if (this.#silenced.has(run)) {
      this.#drop('superseded')
      return
    }
    if (run !== this.#speaking) this.#listenTo(run)
    const { target, params } = run
    const duration = target.pcm ? data.length / target.channels : target.packetSamples
    const placed = this.#timeline.place(pts, duration)
    if (placed === undefined || params === undefined) {
      // Encoders begin with what lies before their first sample.
      this.primed += 1
      return
    }
    this.packetsOut += 1
    this.latencyUs += (waitedUs - this.latencyUs) * (this.packetsOut === 1 ? 1 : SMOOTHING)
    this.#out.write({
      units: [data],
      pts: placed.pts,
      dts: placed.pts,
      duration,
      key: true,
      params: this.#adopt(params),
      discontinuity: placed.discontinuity,
      arrival: this.#clock.now(),
    })
  }

  #listenTo(run: Run): void {
    if (this.#speaking !== undefined) this.#silenced.add(this.#speaking)
    this.#speaking = run
    if (this.#startOver) this.#timeline.reset()
    this.#startOver = false
  }

  #adopt(params: CodecParameters): CodecParameters {
    if (this.#params !== undefined && sameAudio(this.#params, params)) return this.#params
    this.#params = params
    this.#out.setParams(params)
    return params
  }
}
