/** One track of a stream: written in its native form, read in either. */
import type { CodecParameters, Form, Frame, Kind, RtpPacket } from '../media/types.ts'
import type { Converters } from './converters.ts'
import type { FanFeed } from './feed.ts'
import { startsPicture } from './gop-cache.ts'
import { createKeyframeRequester, type KeyframeRequester } from './keyframes.ts'
import type { Measures } from './measures.ts'
import { type LastUnit, Meter } from './meter.ts'
import { Scoped } from './scope.ts'
import type { Skew } from './skew.ts'
import type { Reading } from './tally.ts'
import { TrackFeeds } from './track-feeds.ts'
import type { Clock, RtpProfile, Scope, Track, TrackClock, TrackStats, TranscodeProgress } from './types.ts'

/** What all tracks of a gateway share. */
export interface TrackContext {
  readonly clock: Clock
  readonly lingerUs: number
  readonly converters: Converters
  /** Where its sums go on when it has ended. */
  readonly measures?: Measures
  /** Of the stream it belongs to. */
  readonly skew?: Skew
  /** Has that stream a picture? */
  readonly hasPicture: () => boolean
}
export interface TrackOptions {
  readonly id: string
  readonly native: Form
  readonly params: CodecParameters
  readonly clock: TrackClock
  readonly rtp?: RtpProfile | undefined
  readonly derivedFrom?: string | undefined
  readonly onKeyframeRequest?: (() => void) | undefined
}

export class TrackNode extends Scoped implements Track {
  readonly id: string
  readonly kind: Kind
  readonly native: Form
  readonly derivedFrom?: string
  readonly rtp?: RtpProfile
  readonly clock: TrackClock
  readonly feeds: TrackFeeds
  /** Each says whether a sink that must lose nothing is behind; usually none. */
  readonly waits = new Set<() => boolean>()
  /** Counts the sources that wrote this track one after the other: readers wait for a key frame when it moves. */
  epoch = 0
  /** Damage counted in front of this track, and its distance to the last sender report. */
  damageOf: (() => Readonly<Record<string, number>>) | undefined
  syncErrorUs: (() => number | undefined) | undefined
  /** Of the job that makes it. */
  transcodeOf: (() => TranscodeProgress | undefined) | undefined
  declare readonly scope: Scope
  readonly #meter: Meter
  readonly #skew: Skew | undefined
  readonly #keyframes: KeyframeRequester
  readonly #listeners = new Set<(params: CodecParameters) => void>()
  #askSource: (() => void) | undefined
  #params: CodecParameters

  constructor(options: TrackOptions, context: TrackContext, scope: Scope) {
    super(scope)
    this.id = options.id
    this.kind = options.params.kind
    this.native = options.native
    if (options.derivedFrom !== undefined) this.derivedFrom = options.derivedFrom
    if (options.rtp !== undefined) this.rtp = options.rtp
    this.clock = options.clock
    this.#params = options.params
    this.#askSource = options.onKeyframeRequest
    this.#meter = new Meter(options.native)
    if (options.derivedFrom === undefined) this.#skew = context.skew
    this.feeds = new TrackFeeds({
      native: options.native,
      rtp: options.rtp,
      keeps: options.onKeyframeRequest === undefined,
      params: () => this.#params,
      ...context,
      onParams: params => this.setParams(params),
      onLoss: () => this.requestKeyframe(),
    })
    this.#keyframes = createKeyframeRequester({
      clock: context.clock,
      ask: () => this.#askSource?.(),
      isWanted: () => this.feeds.native.size > 0,
    })
    const tally = options.derivedFrom === undefined ? context.measures?.tracks : undefined
    if (tally !== undefined) scope.defer(tally.enter(this.kind, () => this.#reading))
    scope.defer(() => this.#end())
  }

  /** undefined before the first unit. */
  get last(): LastUnit | undefined {
    return this.#meter.units > 0 ? this.#meter : undefined
  }
  get params(): CodecParameters {
    return this.#params
  }
  get keyframeOnRequest(): boolean {
    return this.#askSource !== undefined
  }

  get stats(): TrackStats {
    const { units, bytes, bitsPerSecond, framesPerSecond, keyframeIntervalMs } = this.#meter
    const syncErrorUs = this.syncErrorUs?.()
    return {
      units,
      bytes,
      bitsPerSecond,
      framesPerSecond,
      keyframeIntervalMs,
      keyframeRequests: this.#keyframes.asked,
      derived: this.feeds.alive,
      syncErrorMs: syncErrorUs === undefined ? undefined : syncErrorUs / 1000,
      damage: { ...this.feeds.damage, ...this.damageOf?.() },
      transcode: this.transcodeOf?.(),
    }
  }

  get #reading(): Reading {
    const { units, bytes } = this.#meter
    return { units, bytes, keyframeRequests: this.#keyframes.asked }
  }

  /** Every unit of the source comes through here, in the native form. false: a lossless sink is behind. */
  write(unit: Frame | RtpPacket): boolean {
    const bytes = this.feeds.native.push(unit)
    if (this.#meter.count(unit, bytes)) {
      const streamTime = this.clock.toStreamTime(this.#meter.ts)
      this.#skew?.note(this.kind, unit.arrival - streamTime, unit.arrival)
    }
    if (this.kind === 'video' && startsPicture(unit)) this.#keyframes.seen()
    return this.waits.size === 0 || !this.isBehind()
  }

  isBehind(): boolean {
    for (const behind of this.waits) if (behind()) return true
    return false
  }

  setParams(params: CodecParameters): void {
    if (params === this.#params) return
    this.#params = params
    for (const listener of [...this.#listeners]) listener(params)
  }

  onParams(listener: (params: CodecParameters) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  requestKeyframe(): void {
    if (this.kind === 'video' && this.#askSource !== undefined) this.#keyframes.request()
  }

  setKeyframeSource(ask: (() => void) | undefined): void {
    this.#askSource = ask
  }

  /** Another source goes on writing this track. */
  continueWith(ask: (() => void) | undefined): void {
    this.epoch++
    this.#askSource = ask
    this.feeds.forget()
  }

  frames(): FanFeed<'frame'> {
    return this.feeds.frames()
  }

  packets(profile: RtpProfile): FanFeed<'rtp'> {
    return this.feeds.packets(profile)
  }

  #end(): void {
    this.#keyframes.close()
    this.feeds.end()
    this.#listeners.clear()
  }
}
