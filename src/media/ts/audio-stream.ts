import { concatBytes } from '../bytes.ts'
import { createSampleClock, type SampleClock } from '../sample-clock.ts'
import type { TrackOutput } from '../track-output.ts'
import type { AudioFrameFound, AudioSplitter } from './audio-splitters.ts'
import type { Pes } from './pes-reader.ts'
import type { TsStream } from './stream.ts'
import type { TrackTime } from './track-time.ts'

const TICKS_PER_MS = 90
/** A frame that has not come whole is waited for; none is longer (ADTS: 13 bits). */
const MAX_REST_BYTES = 8192

/**
 * One stream of sound. The time of a PES packet is that of the first frame that begins in it; the others follow by
 * their lengths.
 */
export class AudioStream implements TsStream {
  readonly #splitter: AudioSplitter
  readonly #time: TrackTime
  readonly #output: TrackOutput
  readonly #found: AudioFrameFound = { start: 0, end: 0, duration: 0 }
  #clock: SampleClock | undefined
  /** The beginning of a frame that ends in the next packet. */
  #rest = new Uint8Array(0)
  /** Of the next frame, milliseconds; undefined before the first time. */
  #nextMs: number | undefined
  #interrupted = false

  constructor(splitter: AudioSplitter, time: TrackTime, output: TrackOutput) {
    this.#splitter = splitter
    this.#time = time
    this.#output = output
  }

  push({ data, pts, arrival }: Pes): string | undefined {
    const carried = this.#rest.length
    const bytes = carried === 0 ? data : concatBytes([this.#rest, data])
    const placed = pts === undefined ? undefined : this.#time.place(pts, arrival) / TICKS_PER_MS
    if (carried === 0 && placed !== undefined) this.#nextMs = placed
    const { at, skipped } = this.#readAll(bytes, carried, placed, arrival)
    this.#keep(bytes, at)
    if (this.#splitter.refusal !== undefined) return this.#splitter.refusal
    if (skipped > 0) return this.#lost('sound that is no frame')
    return this.#nextMs === undefined ? 'sound before its first time' : undefined
  }

  interrupt(): void {
    this.#interrupted = true
    this.#rest = new Uint8Array(0)
  }

  /** @returns where the first frame begins that is not whole, and how many bytes were none */
  #readAll(
    bytes: Uint8Array,
    carried: number,
    placed: number | undefined,
    arrival: number,
  ): { at: number; skipped: number } {
    let [at, skipped] = [0, 0]
    let owed = carried > 0 ? placed : undefined
    while (at < bytes.length) {
      if (owed !== undefined && at >= carried) {
        this.#nextMs = owed
        owed = undefined
      }
      const result = this.#splitter.find(bytes, at, this.#found)
      if (result === 'more') break
      if (result === 'found') {
        this.#frame(bytes, arrival)
        at = this.#found.end
      } else {
        skipped += result - at
        at = result
      }
    }
    if (owed !== undefined && at >= carried) this.#nextMs = owed
    return { at, skipped }
  }

  #frame(bytes: Uint8Array, arrival: number): void {
    const { params } = this.#splitter
    if (params === undefined || this.#nextMs === undefined) return
    const { duration, start, end } = this.#found
    if (this.#clock?.rate !== params.clockRate) this.#clock = createSampleClock(params.clockRate)
    const pts = this.#clock.stamp(this.#nextMs, duration)
    this.#nextMs += (duration * 1000) / params.clockRate
    this.#output.params(params)
    const units = [bytes.subarray(start, end)]
    const discontinuity = this.#interrupted
    this.#interrupted = false
    this.#output.frame({ units, pts, dts: pts, duration, key: true, params, discontinuity, arrival })
  }

  #keep(bytes: Uint8Array, at: number): void {
    const left = bytes.length - at
    this.#rest = left === 0 || left > MAX_REST_BYTES ? new Uint8Array(0) : bytes.slice(at)
  }

  #lost(cause: string): string {
    this.#interrupted = true
    return cause
  }
}
