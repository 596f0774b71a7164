/** What an ingest writes into: fresh tracks as they are, continued ones moved onto the line of the source before. */
import type { CodecParameters, Form, Frame, MediaOf, RtpPacket } from '../media/types.ts'
import type { Continuation } from './continuation.ts'
import type { TrackNode } from './track.ts'
import type { SourceClock } from './track-clock.ts'
import type { Clock, TrackClock, TrackWriter } from './types.ts'

/** How often a waiting source looks whether its lossless readers have caught up. */
const drainPollUs = 5_000

export interface WriterTarget {
  readonly track: TrackNode
  readonly clock: SourceClock
  /** Set when the track goes on from another source. */
  readonly continuation: Continuation | undefined
}
export interface WriterOptions {
  readonly time: Clock
  readonly target: WriterTarget
  readonly isOpen: () => boolean
  /** Freezes what is written, so that a reader that writes into it fails. */
  readonly freeze: boolean
  /** Another codec: the track ends, another begins under the same id. */
  readonly onFormat: (params: CodecParameters) => WriterTarget
  /** What is negotiated by has changed within the codec. */
  readonly onTrait: () => void
}

const freezeUnit = (unit: Frame | RtpPacket): void => {
  if ('units' in unit) Object.freeze(unit.units)
  Object.freeze(unit)
}

/** A change within these is no other track. */
export const sameFormat = (a: CodecParameters, b: CodecParameters): boolean =>
  a.codec === b.codec &&
  a.clockRate === b.clockRate &&
  ('channels' in a ? a.channels : 0) === ('channels' in b ? b.channels : 0)

const reordered = (params: CodecParameters): boolean => 'reordered' in params && params.reordered === true
const depth = (params: CodecParameters): number | undefined =>
  'maxReorder' in params ? params.maxReorder : undefined

class Writer<F extends Form> implements TrackWriter<F> {
  readonly #options: WriterOptions
  #target: WriterTarget
  #anchored = false

  constructor(options: WriterOptions) {
    this.#options = options
    this.#target = options.target
    this.#watch()
  }

  get clock(): TrackClock {
    return this.#target.continuation?.clock ?? this.#target.clock
  }
  get demand(): number {
    return this.#target.track.feeds.native.size
  }

  write(unit: MediaOf[F]): boolean {
    if (!this.#options.isOpen()) return true
    const { track, continuation } = this.#target
    if (!this.#anchored) this.#anchor(unit)
    const placed = continuation === undefined ? unit : continuation.place(unit)
    if (this.#options.freeze) freezeUnit(placed)
    return track.write(placed)
  }

  async drained(): Promise<void> {
    const { time, isOpen } = this.#options
    while (isOpen() && this.#target.track.isBehind())
      await new Promise<void>(resolve => void time.after(drainPollUs, resolve))
  }

  setParams(params: CodecParameters): void {
    const { track } = this.#target
    if (!this.#options.isOpen() || params === track.params) return
    if (sameFormat(track.params, params)) {
      track.setParams(params)
      return
    }
    this.#target = this.#options.onFormat(params)
    this.#anchored = false
    this.#watch()
  }

  /** Parameter sets may come from the writer or from a depacketiser; either may reveal B-frames. */
  #watch(): void {
    const { track } = this.#target
    let known = track.params
    track.onParams(params => {
      const changed = reordered(params) !== reordered(known) || depth(params) !== depth(known)
      known = params
      if (changed) this.#options.onTrait()
    })
  }

  /** A source that has not said when its first unit was captured: now. */
  #anchor(unit: Frame | RtpPacket): void {
    this.#anchored = true
    const { continuation, clock } = this.#target
    const isAnchored = continuation === undefined ? clock.anchored : continuation.anchored
    const ts = 'ts' in unit ? unit.ts : unit.dts
    if (!isAnchored) this.clock.anchor({ ts, wall: this.#options.time.wall(), from: 'arrival' })
  }
}

export const createWriter = <F extends Form>(options: WriterOptions): TrackWriter<F> => new Writer<F>(options)
