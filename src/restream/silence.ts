/** Fills a destination's sound with silence wherever there is none, on the time line of the picture. */
import type { Clock, Sink } from '../core/types.ts'
import type { Frame } from '../media/types.ts'
import type { SilentTrack } from './silent-track.ts'

/** A hole in the source's own sound that is left to the player. */
const smallGapUs = 40_000
/** Real sound may come so much later than its picture until silence takes its place; more when it proves slower. */
const holdUs = 1_000_000
const maxHoldUs = 4_000_000
/** Between pictures silence goes on by the clock, this far behind, so that it does not run ahead of the next one. */
const behindUs = 100_000
/** The time line jumped: what lies between was never there. */
const maxFillUs = 10_000_000

export interface SilenceOptions {
  readonly clock: Clock
  readonly silence: SilentTrack
  readonly sink: Sink<Frame>
}

export class SilenceFiller {
  readonly #clock: Clock
  #silence: SilentTrack
  #sink: Sink<Frame>
  /** Stream time up to which there is sound, microseconds. */
  #until: number | undefined
  /** The next silent frame in samples, while silence goes on without a break. */
  #nextTs: number | undefined
  #lastIsSilent = false
  #pictureUs: number | undefined
  #pictureAt = 0
  #holdUs = 0
  /** Frames of silence so far, and real ones that came after silence had taken their place. */
  readonly counts = { silent: 0, late: 0 }

  constructor({ clock, silence, sink }: SilenceOptions) {
    this.#clock = clock
    this.#silence = silence
    this.#sink = sink
  }

  /** From now on there is real sound: silence comes only where that stays away. */
  expectSound({ silence, sink }: Omit<SilenceOptions, 'clock'>): void {
    this.#silence = silence
    this.#sink = sink
    this.#nextTs = undefined
    this.#holdUs = holdUs
  }

  /** A picture at `us` of stream time is about to be written. */
  picture(us: number): void {
    this.#pictureUs = Math.max(us, this.#pictureUs ?? us)
    this.#pictureAt = this.#clock.now()
    this.#until ??= us
    this.#fill(us - this.#holdUs)
  }

  /** No picture has come for a while: time goes on. */
  tick(): void {
    if (this.#pictureUs === undefined) return
    this.#fill(this.#pictureUs + this.#clock.now() - this.#pictureAt - behindUs - this.#holdUs)
  }

  /** false: silence has taken the place of the frame that begins at `us`; leave it out. */
  sound(us: number, durationUs: number): boolean {
    if (this.#until !== undefined && this.#lastIsSilent && us < this.#until - smallGapUs / 2) {
      this.#late(us)
      return false
    }
    if (this.#until !== undefined && us - this.#until > smallGapUs) this.#fill(us - this.#frameUs())
    this.#until = us + durationUs
    this.#nextTs = undefined
    this.#lastIsSilent = false
    return true
  }

  #frameUs(): number {
    return (this.#silence.samples * 1e6) / this.#silence.params.clockRate
  }

  #late(us: number): void {
    this.counts.late++
    const lag = (this.#pictureUs ?? us) - us
    this.#holdUs = Math.min(maxHoldUs, Math.max(this.#holdUs, lag + holdUs / 2))
  }

  /** Frames that begin at `us` or before. */
  #fill(us: number): void {
    if (this.#until === undefined || us < this.#until) return
    if (us - this.#until > maxFillUs) {
      this.#until = us
      this.#nextTs = undefined
    }
    const { track, samples } = this.#silence
    let ts: number = this.#nextTs ?? track.clock.fromStreamTime(this.#until)
    for (; this.#until <= us; this.#until = track.clock.toStreamTime(ts)) {
      this.#sink.write(this.#silence.frame(ts, this.#clock.now()))
      this.counts.silent++
      ts += samples
    }
    this.#nextTs = ts
    this.#lastIsSilent = true
  }
}
