/** What went out over the last seconds. */
import type { Frame } from '../media/types.ts'

const windowS = 10
/** The last few distances between key frames: the longest counts. */
const intervals = 5

export class Measure {
  readonly #bytes = new Float64Array(windowS)
  readonly #frames = new Float64Array(windowS)
  readonly #intervals: number[] = []
  #second = -1
  #first = -1
  #keyUs: number | undefined
  #lastUs = 0

  /** A frame at `us` of stream time. Seconds are those of the media: a burst of the past counts as what it was. */
  count(frame: Frame, us: number): void {
    this.#turn(Math.floor(us / 1e6))
    const slot = this.#second % windowS
    for (const unit of frame.units) this.#bytes[slot]! += unit.length
    this.#frames[slot]! += 1
    this.#lastUs = us
    if (frame.key) this.#key(us)
  }

  /** Of the whole seconds in the window; undefined before the first. */
  get kbps(): number | undefined {
    return this.#mean(this.#bytes, 0.008)
  }

  get fps(): number | undefined {
    return this.#mean(this.#frames, 1)
  }

  /** Longest of the last distances between key frames, the running one included; undefined before the second key frame. */
  get keyframeMs(): number | undefined {
    if (this.#keyUs === undefined) return undefined
    const running = (this.#lastUs - this.#keyUs) / 1000
    const longest = Math.max(running, ...this.#intervals)
    return this.#intervals.length === 0 && running < 2_000 ? undefined : Math.round(longest)
  }

  #mean(slots: Float64Array, scale: number): number | undefined {
    const seconds = Math.min(windowS - 1, this.#second - this.#first)
    if (seconds < 1) return undefined
    let sum = 0
    for (let back = 1; back <= seconds; back += 1) sum += slots[(this.#second - back) % windowS] ?? 0
    return (sum / seconds) * scale
  }

  #turn(second: number): void {
    if (second <= this.#second) return
    const from = Math.max(this.#second + 1, second - windowS + 1)
    for (let at = Math.max(0, from); at <= second; at += 1) {
      this.#bytes[at % windowS] = 0
      this.#frames[at % windowS] = 0
    }
    // The first second is seldom whole.
    if (this.#first < 0) this.#first = second + 1
    this.#second = second
  }

  #key(us: number): void {
    if (this.#keyUs !== undefined && us > this.#keyUs) this.#intervals.push((us - this.#keyUs) / 1000)
    if (this.#intervals.length > intervals) this.#intervals.shift()
    this.#keyUs = us
  }
}
