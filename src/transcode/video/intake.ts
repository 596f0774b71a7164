/** Pictures on their way into ffmpeg: from a key frame on, without a hole, each with its own time. */
import type { Accept, Track } from '../../core/types.ts'
import type { CodecParameters, Frame, PictureSize, VideoCodec } from '../../media/types.ts'
import { decoderOf, isVideoTarget } from '../cost.ts'
import type { CreateIntake, Intake, IntakeHost, IntakeOptions } from '../intake.ts'
import { videoCores } from '../load.ts'
import type { Run } from '../run.ts'
import { toBitstream } from './bitstream.ts'
import { markedRate, markTime } from './marks.ts'
import { createPictureTimeline } from './picture-timeline.ts'
import { videoRecipe } from './recipe.ts'
import { describeTarget, targetSize, type VideoTarget, videoTarget } from './target.ts'

/** A step back this long is a new clock, not frames in another order. */
const MAX_BACK_S = 1
const MAX_DURATION_S = 1

const sizeOf = (params: CodecParameters): PictureSize | undefined =>
  'size' in params ? params.size : undefined

const rateOf = (track: Track): number | undefined => track.stats?.framesPerSecond

/** Cores that a transcode of this track will keep busy, as far as is known of it now. */
export const coresNeeded = (from: Track, to: Accept, size = sizeOf(from.params)): number => {
  if (!isVideoTarget(to.codec)) return 0
  const rate = rateOf(from)
  const made = size === undefined ? to.size : targetSize(size, to)
  return videoCores(from.params.codec as VideoCodec, to.codec, { size, rate }, { size: made, rate })
}

class VideoIntake implements Intake {
  readonly timeline = createPictureTimeline()
  readonly #from: Track
  readonly #to: Accept
  readonly #host: IntakeHost
  readonly #options: IntakeOptions
  #params: CodecParameters
  #size: PictureSize | undefined
  #target: VideoTarget | undefined
  /** The run that was given a key frame and everything since. */
  #fed: Run | undefined
  #lastDts = Number.NaN
  #forced = false
  /** Where the run's first picture to be encoded stands. It is a key frame unasked, and marks are read relative to it. */
  #edge = Number.NaN
  /** The source's clock was set anew. */
  #jumped = false

  constructor(from: Track, to: Accept, host: IntakeHost, options: IntakeOptions) {
    this.#from = from
    this.#to = to
    this.#host = host
    this.#options = options
    this.#params = from.params
  }

  get source(): string {
    const size = this.#size ?? sizeOf(this.#params)
    return size === undefined ? this.#params.codec : `${this.#params.codec} ${size.width}x${size.height}`
  }
  get target(): string {
    return this.#target === undefined ? this.#to.codec : describeTarget(this.#target)
  }

  /** Of a source that cannot be asked for a key frame the last group of pictures is decoded, to be there at once. */
  start(): void {
    const kept = this.#from.frames().kept ?? []
    kept.forEach((frame, i) => {
      this.#offer(frame, i < kept.length - 1)
    })
  }

  take(frame: Frame): void {
    this.#offer(frame, false)
  }

  requestKeyframe(): void {
    this.#forced = true
  }

  #offer(frame: Frame, skip: boolean): void {
    this.#watchClock(frame)
    if (frame.key) this.#prepare(frame)
    else if (this.#isCut(frame)) {
      this.#fed = undefined
      this.#host.drop('waiting-for-key')
      this.#from.requestKeyframe()
      return
    }
    this.#write(frame, skip)
  }

  /** A hole lies between this frame and those that ffmpeg has. */
  #isCut(frame: Frame): boolean {
    return this.#fed === undefined || this.#fed !== this.#host.run || frame.discontinuity || this.#jumped
  }

  #watchClock({ dts }: Frame): void {
    if (dts < this.#lastDts - MAX_BACK_S * this.#from.clock.rate) this.#jumped = true
  }

  /** A key frame: what ffmpeg was told of the source may no longer hold. */
  #prepare({ params }: Frame): void {
    const size = sizeOf(params)
    if (size === undefined) return
    const resized = this.#size !== undefined && !isSameSize(this.#size, size)
    const first = this.#size === undefined
    this.#size = size
    if (resized || first) this.#retarget(size)
    if (this.#jumped) this.#host.startOver()
    const { width, height } = size
    if (first) this.#begin(params, size, 'started')
    else if (this.#jumped) this.#begin(params, size, 'begun anew: the clock of the source was set')
    else if (resized && this.#to.size === undefined)
      this.#begin(params, size, `begun anew: the source is now ${width}x${height}`)
    this.#jumped = false
  }

  #retarget(size: PictureSize): void {
    this.#target = videoTarget(size, this.#to, rateOf(this.#from))
    this.#host.needs(coresNeeded(this.#from, this.#to, size))
  }

  #begin(params: CodecParameters, size: PictureSize, why: string): void {
    const { decoders, version } = this.#options.ffmpeg
    const decoder = decoderOf(params.codec, decoders)
    const options = { rate: this.#from.clock.rate, decoder, version }
    this.#host.begin(videoRecipe(params, size, this.#target!, options), why)
  }

  #write(frame: Frame, skip: boolean): void {
    const { run } = this.#host
    const withSets = frame.key || frame.params !== this.#params
    const duration = this.#durationOf(frame)
    this.#params = frame.params
    this.#lastDts = frame.dts
    if (run === undefined) {
      this.#fed = undefined
      this.#host.drop(this.#size === undefined ? 'size-unknown' : 'restarting')
      return
    }
    if (run !== this.#fed) this.#edge = Number.NaN
    const at = markTime(frame.pts, { force: this.#forces(frame, skip), skip })
    this.#fed = run.write(at, markedRate(duration), toBitstream(frame, withSets)) ? run : undefined
  }

  #forces({ pts }: Frame, skip: boolean): boolean {
    if (skip) return false
    if (Number.isNaN(this.#edge)) {
      this.#edge = pts
      this.#forced = false
    }
    if (!this.#forced || pts < this.#edge) return false
    this.#forced = false
    return true
  }

  /** Since the frame before; a pause is no backlog. */
  #durationOf({ dts }: Frame): number {
    const since = dts - this.#lastDts
    return since > 0 && since <= MAX_DURATION_S * this.#from.clock.rate ? since : 0
  }
}

const isSameSize = (a: PictureSize, b: PictureSize): boolean => a.width === b.width && a.height === b.height

/** @throws GatewayError 'transcode-unavailable' when `to` is no target. */
export const createVideoIntake: CreateIntake = (from, to, host, options) =>
  new VideoIntake(from, to, host, options)
