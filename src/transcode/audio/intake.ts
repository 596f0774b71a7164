/** Sound on its way into ffmpeg: each packet at the place on the time line where its samples belong. */
import type { Accept, Track } from '../../core/types.ts'
import { GatewayError } from '../../errors.ts'
import type { CodecParameters, Frame } from '../../media/types.ts'
import { decoderOf } from '../cost.ts'
import type { CreateIntake, Intake, IntakeHost, IntakeOptions } from '../intake.ts'
import { sameParams } from '../same-params.ts'
import { createInputTimeline, type InputTimeline } from './input-timeline.ts'
import { createOutputTimeline } from './output-timeline.ts'
import { packetDuration } from './packet-duration.ts'
import { audioRecipe } from './recipe.ts'
import { type AudioTarget, audioTarget, describeTarget } from './target.ts'

const describeSource = (params: CodecParameters): string =>
  `${params.codec} ${params.clockRate} Hz ${'channels' in params ? params.channels : 0} ch`

class AudioIntake implements Intake {
  readonly timeline = createOutputTimeline()
  readonly #rate: number
  readonly #to: Accept
  readonly #host: IntakeHost
  readonly #options: IntakeOptions
  #params: CodecParameters
  #target: AudioTarget
  #input: InputTimeline

  constructor(from: Track, to: Accept, host: IntakeHost, options: IntakeOptions) {
    this.#rate = from.clock.rate
    this.#to = to
    this.#host = host
    this.#options = options
    this.#params = from.params
    this.#target = audioTarget(from.params, to, options.bitratePerChannel)
    this.#input = createInputTimeline(this.#rate)
  }

  get source(): string {
    return describeSource(this.#params)
  }
  get target(): string {
    return describeTarget(this.#target)
  }

  start(): void {
    this.#begin('started')
  }

  take(frame: Frame): void {
    if (frame.params !== this.#params) this.#adopt(frame.params)
    const data = frame.units[0]
    if (data === undefined || data.length === 0) this.#host.drop('empty')
    else if (this.#host.run === undefined) this.#host.drop('restarting')
    else this.#write(frame, data)
  }

  #begin(why: string): void {
    const decoder = decoderOf(this.#params.codec, this.#options.ffmpeg.decoders)
    const recipe = audioRecipe(this.#params, this.#target, this.#rate, decoder)
    if (recipe === undefined)
      throw new GatewayError('transcode-unavailable', `ffmpeg cannot be told of ${this.#params.codec}`)
    this.#input = createInputTimeline(this.#rate)
    this.#host.begin(recipe, why)
  }

  #write(frame: Frame, data: Uint8Array): void {
    const duration = packetDuration(frame, data, this.#rate)
    let at = this.#input.place(frame.pts, duration)
    if (at === 'jump') {
      this.#host.startOver()
      this.#begin('begun anew: the clock of the source was set')
      at = this.#input.place(frame.pts, duration)
    }
    if (typeof at === 'string') this.#host.drop(at)
    else this.#host.run?.write(at, duration, data)
  }

  #adopt(params: CodecParameters): void {
    const same = sameParams(params, this.#params)
    this.#params = params
    if (same) return
    this.#target = audioTarget(params, this.#to, this.#options.bitratePerChannel)
    this.#begin('begun anew: the format of the source changed')
  }
}

export const createAudioIntake: CreateIntake = (from, to, host, options) =>
  new AudioIntake(from, to, host, options)
