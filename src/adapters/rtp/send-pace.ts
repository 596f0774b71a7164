/**
 * When packets of pictures may leave: a token bucket, so that a key frame does not overflow the buffers on its way.
 * Pure; times are microseconds of the gateway's monotonic clock.
 */

/** What leaves in one go. With 5 ms of the highest rate it stays below 64 KB, also where a thread is late. */
const DEPTH_BYTES = 16_000
const MAX_BYTES_PER_US = 8
/** 8 Mbit/s: nobody is overrun by it, whatever the stream has. */
const MIN_BYTES_PER_US = 1
/** Beside the mean rate of the stream. */
const HEADROOM = 2
/** A stream that is itself faster than the highest rate gets so much more than it has. */
const LEAST_HEADROOM = 1.5
/** The largest picture of late is out after so long, and so is what has piled up. */
const DRAIN_US = 100_000
const WINDOW_US = 500_000
/** By window: a key frame every few seconds is remembered until the next. */
const PEAK_DECAY = 0.95

export class SendPace {
  /** When all that was handed out has left, at the rates it was handed out with. */
  #busyUntil = Number.NEGATIVE_INFINITY
  #meanBytesPerUs = 0
  #windowStart: number | undefined
  #windowBytes = 0
  #peakBytes = 0
  #pictureTs = Number.NaN
  #pictureBytes = 0
  /** Packets that were held back, and the longest time of any. */
  held = 0
  longestUs = 0

  /** @param ts of the picture that the packet belongs to @returns when it may leave, `nowUs` or later */
  due(bytes: number, ts: number, nowUs: number): number {
    this.#measure(bytes, ts, nowUs)
    const rate = this.#rate(nowUs)
    const start = Math.max(this.#busyUntil, nowUs - DEPTH_BYTES / rate)
    this.#busyUntil = start + bytes / rate
    if (start <= nowUs) return nowUs
    this.held += 1
    this.longestUs = Math.max(this.longestUs, start - nowUs)
    return start
  }

  /** Bytes a microsecond. */
  #rate(nowUs: number): number {
    const piledUp = Math.max(0, this.#busyUntil - nowUs) / DRAIN_US
    const wanted = Math.max(MIN_BYTES_PER_US, HEADROOM * this.#meanBytesPerUs, this.#peakBytes / DRAIN_US)
    const most = Math.max(MAX_BYTES_PER_US, LEAST_HEADROOM * this.#meanBytesPerUs)
    return Math.min(most, wanted * Math.max(1, piledUp))
  }

  #measure(bytes: number, ts: number, nowUs: number): void {
    this.#pictureBytes = ts === this.#pictureTs ? this.#pictureBytes + bytes : bytes
    this.#pictureTs = ts
    this.#peakBytes = Math.max(this.#peakBytes, this.#pictureBytes)
    this.#windowStart ??= nowUs
    this.#windowBytes += bytes
    const passed = nowUs - this.#windowStart
    if (passed < WINDOW_US) return
    const rate = this.#windowBytes / passed
    this.#meanBytesPerUs = this.#meanBytesPerUs === 0 ? rate : (this.#meanBytesPerUs + rate) / 2
    this.#peakBytes *= PEAK_DECAY
    this.#windowStart = nowUs
    this.#windowBytes = 0
  }
}
