/** One shared transcode: hands a track's packets to ffmpeg and what comes back to the derived track. */
import { createScope, describeReason } from '../core/scope.ts'
import type { Accept, Clock, CloseReason, Scope, Track, TrackWriter, TranscodeJob } from '../core/types.ts'
import { GatewayError, toGatewayError } from '../errors.ts'
import type { CodecParameters, Frame } from '../media/types.ts'
import { createInputTimeline, type InputTimeline } from './audio/input-timeline.ts'
import { sourceStream } from './audio/nut.ts'
import { packetDuration } from './audio/packet-duration.ts'
import { sameAudio } from './audio/same-audio.ts'
import { type AudioTarget, audioTarget, describeTarget } from './audio/target.ts'
import { DECODERS } from './cost.ts'
import { EncodedOutput } from './encoded-output.ts'
import type { Ffmpeg } from './ffmpeg.ts'
import { type Run, startRun } from './run.ts'
import { Supervisor } from './supervisor.ts'
import type { TranscodeLog, TranscodeStats } from './types.ts'

const DROP_LOG_EVERY_US = 10_000_000

export interface JobOptions {
  readonly ffmpeg: Pick<Ffmpeg, 'path' | 'decoders'>
  readonly bitratePerChannel: number
  readonly clock: Clock
  readonly log: TranscodeLog
}

const describeSource = (params: CodecParameters): string =>
  `${params.codec} ${params.clockRate} Hz ${'channels' in params ? params.channels : 0} ch`

export class Job implements TranscodeJob {
  readonly #from: Track
  readonly #to: Accept
  readonly #options: JobOptions
  readonly #scope: Scope
  readonly #supervisor: Supervisor
  readonly #output: EncodedOutput
  readonly #dropped: Record<string, number> = {}
  #params: CodecParameters
  #target: AudioTarget
  #timeline: InputTimeline
  #packetsIn = 0
  #dropLoggedUs = Number.NEGATIVE_INFINITY

  /**
   * Starts ffmpeg and attaches to the track.
   * @throws GatewayError 'transcode-unavailable' when the source is nothing that ffmpeg can be told of.
   */
  constructor(from: Track, to: Accept, out: TrackWriter<'frame'>, options: JobOptions) {
    this.#from = from
    this.#to = to
    this.#options = options
    this.#params = from.params
    this.#target = audioTarget(from.params, to, options.bitratePerChannel)
    this.#timeline = createInputTimeline(from.clock.rate)
    this.#scope = createScope(`transcode ${from.id} to ${to.codec}`)
    this.#output = new EncodedOutput(out, options.clock, cause => this.#drop(cause))
    this.#supervisor = new Supervisor({
      clock: options.clock,
      log: options.log,
      describe: () => this.#fields(),
      gaveUp: error => this.#fail(error),
    })
    this.#begin('started')
    this.#scope.defer(() => this.#end())
    const sink = { write: (frame: Frame) => this.#take(frame), failed: (error: unknown) => this.#fail(error) }
    this.#scope.defer(from.frames().attach(sink))
  }

  get closed(): Promise<CloseReason> {
    return this.#scope.closed
  }
  get signal(): AbortSignal {
    return this.#scope.signal
  }
  close(reason?: CloseReason): Promise<void> {
    return this.#scope.close(reason)
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope.close()
  }

  get stats(): TranscodeStats {
    return {
      from: describeSource(this.#params),
      to: describeTarget(this.#target),
      pid: this.#supervisor.run?.pid,
      restarts: this.#supervisor.restarts,
      packetsIn: this.#packetsIn,
      packetsOut: this.#output.packetsOut,
      primed: this.#output.primed,
      dropped: { ...this.#dropped },
      latencyMs: this.#output.latencyUs / 1000,
      lastFailure: this.#supervisor.lastFailure,
    }
  }

  #begin(why: string): void {
    const source = sourceStream(this.#params, this.#from.clock.rate)
    if (source === undefined)
      throw new GatewayError('transcode-unavailable', `ffmpeg cannot be told of ${this.#params.codec}`)
    this.#timeline = createInputTimeline(this.#from.clock.rate)
    const { ffmpeg, clock } = this.#options
    const wanted = DECODERS[this.#params.codec]
    const decoder = wanted !== undefined && ffmpeg.decoders.has(wanted) ? wanted : undefined
    const options = { ffmpeg: ffmpeg.path, decoder, source, target: this.#target, clock }
    this.#supervisor.start(
      exited =>
        startRun(options, {
          onPacket: (run, pts, data, waitedUs) => this.#give(run, pts, data, waitedUs),
          onDrop: cause => this.#drop(cause),
          onExit: exited,
        }),
      why,
    )
  }

  #take(frame: Frame): void {
    this.#packetsIn += 1
    if (frame.params !== this.#params) this.#adopt(frame.params)
    const data = frame.units[0]
    if (data === undefined || data.length === 0) this.#drop('empty')
    else if (this.#supervisor.run === undefined) this.#drop('restarting')
    else this.#write(frame, data)
  }

  #write(frame: Frame, data: Uint8Array): void {
    const duration = packetDuration(frame, data, this.#from.clock.rate)
    let at = this.#timeline.place(frame.pts, duration)
    if (at === 'jump') {
      this.#output.startOver()
      this.#begin('begun anew: the clock of the source was set')
      at = this.#timeline.place(frame.pts, duration)
    }
    if (typeof at === 'string') this.#drop(at)
    else this.#supervisor.run?.write(at, duration, data)
  }

  #adopt(params: CodecParameters): void {
    const same = sameAudio(params, this.#params)
    this.#params = params
    if (same) return
    this.#target = audioTarget(params, this.#to, this.#options.bitratePerChannel)
    this.#begin('begun anew: the format of the source changed')
  }

  /** Runs in a callback of the child's pipe: whatever goes wrong ends this job and nothing else. */
  #give(run: Run, pts: number, data: Uint8Array, waitedUs: number): void {
    try {
      this.#output.take(run, pts, data, waitedUs)
    } catch (error) {
      this.#fail(error)
    }
  }

  #drop(cause: string): void {
    this.#dropped[cause] = (this.#dropped[cause] ?? 0) + 1
    const now = this.#options.clock.now()
    if (now - this.#dropLoggedUs < DROP_LOG_EVERY_US) return
    this.#dropLoggedUs = now
    this.#options.log.warn(
      { ...this.#fields(), dropped: { ...this.#dropped } },
      `transcode leaves packets out: ${cause}`,
    )
  }

  #fail(thrown: unknown): void {
    const error = toGatewayError(thrown)
    void this.#scope.close({ code: 'failed', detail: error.message, error })
  }

  async #end(): Promise<void> {
    await this.#supervisor.stop()
    const reason = describeReason(this.#scope.signal.reason as CloseReason)
    this.#options.log.info({ ...this.#fields(), ...this.stats }, `transcode stopped: ${reason}`)
  }

  #fields(): object {
    return { track: this.#from.id, from: describeSource(this.#params), to: describeTarget(this.#target) }
  }
}
