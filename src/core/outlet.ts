/** The end of the fan-out: one track to one subscriber, through its gate, its pressure gauge and its counters. */
import type { Form, Frame, MediaOf, RtpPacket } from '../media/types.ts'
import type { DelayProbe } from './delay-probe.ts'
import { bytesOf, type FanFeed } from './feed.ts'
import { startsPicture } from './gop-cache.ts'
import type { PressureGauge } from './pressure.ts'
import type { TrackNode } from './track.ts'
import type { Sink } from './types.ts'

/** One unit in so many is measured; a power of two less one. */
const sampleMask = 63

/** Shared by the outlets of one subscription; only grows. */
export interface Counters {
  units: number
  bytes: number
  waitingForKey: number
  slow: number
}
export interface OutletOptions<F extends Form> {
  readonly track: TrackNode
  readonly feed: FanFeed<F>
  readonly sink: Sink<MediaOf[F]>
  readonly counters: Counters
  readonly gauge: PressureGauge | undefined
  readonly probe?: DelayProbe | undefined
  /** Runs once, before the first unit is written. */
  readonly onFirst?: () => void
  readonly onFailed: (error: unknown) => void
}

export class Outlet<F extends Form> implements Sink<MediaOf[F]> {
  readonly #track: TrackNode
  readonly #feed: FanFeed<F>
  readonly #sink: Sink<MediaOf[F]>
  readonly #counters: Counters
  readonly #gauge: PressureGauge | undefined
  readonly #probe: DelayProbe | undefined
  readonly #onFailed: (error: unknown) => void
  readonly #isVideo: boolean
  #onFirst: (() => void) | undefined
  #epoch: number
  #open: boolean
  #asked = false
  #passed = 0
  #detach: (() => void) | undefined

  constructor(options: OutletOptions<F>) {
    this.#track = options.track
    this.#feed = options.feed
    this.#sink = options.sink
    this.#counters = options.counters
    this.#gauge = options.gauge
    this.#probe = options.probe
    this.#onFirst = options.onFirst
    this.#onFailed = options.onFailed
    this.#isVideo = options.track.kind === 'video'
    this.#open = !this.#isVideo
    this.#epoch = options.track.epoch
  }

  /** false: what `onFirst` is to do has not been done yet. */
  get hasBegun(): boolean {
    return this.#onFirst === undefined
  }
  get waitingForKey(): boolean {
    return !this.#open
  }

  /** Begins to listen, and asks for a key frame if one is still needed. */
  attach(): void {
    this.#detach = this.#feed.attach(this)
    if (!this.#open) this.#ask()
  }

  detach(): void {
    this.#detach?.()
    this.#detach = undefined
  }

  /** What the feed has kept for those who come late, oldest first. */
  get kept(): readonly MediaOf[F][] {
    return this.#feed.cache?.units() ?? []
  }

  /** Hands on what was kept, without a look at the backlog; nothing to a sink that was let go. */
  replay(unit: MediaOf[F]): void {
    if (this.#detach === undefined) return
    try {
      if (!this.#isVideo || this.#passes(unit)) this.#pass(unit, bytesOf(unit))
    } catch (error) {
      this.detach()
      this.failed(error)
    }
  }

  write(unit: MediaOf[F]): void {
    if (this.#gauge !== undefined && !this.#gauge.admits()) this.#skip()
    else if (!this.#isVideo || this.#passes(unit)) {
      this.#pass(unit, this.#feed.unitBytes)
      if ((this.#passed++ & sampleMask) === 0) this.#probe?.sample(unit, this.#track)
    }
  }

  failed(error: unknown): void {
    this.#detach = undefined
    this.#onFailed(error)
  }

  #pass(unit: MediaOf[F], bytes: number): void {
    if (this.#onFirst !== undefined) this.#begin()
    this.#counters.units++
    this.#counters.bytes += bytes
    this.#sink.write(unit)
  }

  #begin(): void {
    this.#onFirst?.()
    this.#onFirst = undefined
  }

  /** Video begins with a key frame, and begins anew after a loss or another source. */
  #passes(unit: Frame | RtpPacket): boolean {
    if (this.#open && this.#epoch === this.#track.epoch && !isBroken(unit)) return true
    if (startsPicture(unit)) {
      this.#open = true
      this.#asked = false
      this.#epoch = this.#track.epoch
      return true
    }
    this.#open = false
    this.#counters.waitingForKey++
    if (!this.#asked) this.#ask()
    return false
  }

  #skip(): void {
    this.#counters.slow++
    if (!this.#isVideo) return
    this.#open = false
    this.#asked = false
  }

  #ask(): void {
    this.#asked = true
    this.#track.requestKeyframe()
  }
}

const isBroken = (unit: Frame | RtpPacket): boolean => 'discontinuity' in unit && unit.discontinuity
