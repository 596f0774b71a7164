/** One shared transcode: hands a track's packets to ffmpeg and what comes back to the derived track. */
import { createScope, describeReason, Scoped } from '../core/scope.ts'
import type { Accept, Clock, CloseReason, Track, TrackWriter, TranscodeJob } from '../core/types.ts'
import { toGatewayError } from '../errors.ts'
import type { Frame } from '../media/types.ts'
import { createAudioIntake } from './audio/intake.ts'
import type { Reservation } from './budget.ts'
import { EncodedOutput } from './encoded-output.ts'
import type { Intake, IntakeHost, IntakeOptions } from './intake.ts'
import type { Recipe } from './recipe.ts'
import { type EncodedPacket, type Run, startRun } from './run.ts'
import { Supervisor } from './supervisor.ts'
import type { TranscodeLog, TranscodeStats } from './types.ts'
import { createVideoIntake } from './video/intake.ts'

const DROP_LOG_EVERY_US = 10_000_000

export interface JobOptions extends IntakeOptions {
  readonly clock: Clock
  readonly log: TranscodeLog
  /** Given back when the job is over. */
  readonly reservation: Reservation
}

export class Job extends Scoped implements TranscodeJob {
  readonly requestKeyframe?: () => void
  readonly #from: Track
  readonly #options: JobOptions
  readonly #supervisor: Supervisor
  readonly #intake: Intake
  readonly #output: EncodedOutput
  readonly #dropped: Record<string, number> = {}
  #packetsIn = 0
  #dropLoggedUs = Number.NEGATIVE_INFINITY

  /**
   * Attaches to the track; ffmpeg starts as soon as it can be told what comes.
   * @throws GatewayError 'transcode-unavailable' when the source is nothing that ffmpeg can be told of.
   */
  constructor(from: Track, to: Accept, out: TrackWriter<'frame'>, options: JobOptions) {
    super(createScope(`transcode ${from.id} to ${to.codec}`))
    this.#from = from
    this.#options = options
    this.#supervisor = new Supervisor({
      clock: options.clock,
      log: options.log,
      describe: () => this.#fields(),
      gaveUp: error => this.#fail(error),
    })
    const createIntake = from.kind === 'video' ? createVideoIntake : createAudioIntake
    const intake = createIntake(from, to, this.#host(), options)
    this.#intake = intake
    this.#output = new EncodedOutput(out, options.clock, intake.timeline)
    if (intake.requestKeyframe !== undefined) this.requestKeyframe = () => intake.requestKeyframe?.()
    this.scope.defer(() => this.#end())
    intake.start()
    const sink = { write: (frame: Frame) => this.#take(frame), failed: (error: unknown) => this.#fail(error) }
    this.scope.defer(from.frames().attach(sink))
  }

  get stats(): TranscodeStats {
    return {
      from: this.#intake.source,
      to: this.#intake.target,
      pid: this.#supervisor.run?.pid,
      cores: this.#options.reservation.cores,
      restarts: this.#supervisor.restarts,
      packetsIn: this.#packetsIn,
      packetsOut: this.#output.packetsOut,
      primed: this.#output.primed,
      dropped: { ...this.#dropped },
      latencyMs: this.#output.latencyUs / 1000,
      lastFailure: this.#supervisor.lastFailure,
    }
  }

  #host(): IntakeHost {
    const supervisor = this.#supervisor
    return {
      get run() {
        return supervisor.run
      },
      begin: (recipe, why) => this.#begin(recipe, why),
      startOver: () => this.#output.startOver(),
      drop: cause => this.#drop(cause),
      needs: cores => this.#options.reservation.change(cores),
    }
  }

  #begin(recipe: Recipe, why: string): void {
    const { ffmpeg, clock } = this.#options
    const options = { ffmpeg: ffmpeg.path, clock }
    this.#supervisor.start(
      exited =>
        startRun(recipe, options, {
          onPacket: packet => this.#give(packet),
          onDrop: cause => this.#drop(cause),
          onExit: (run, how) => {
            this.#finish(run)
            exited(how)
          },
        }),
      why,
    )
  }

  #take(frame: Frame): void {
    this.#packetsIn += 1
    this.#intake.take(frame)
  }

  /** Runs in a callback of the child's pipe: whatever goes wrong ends this job and nothing else. */
  #give(packet: EncodedPacket): void {
    try {
      this.#output.take(packet)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** As `#give`: it may hand on what had to wait for the end of `run`. */
  #finish(run: Run): void {
    try {
      this.#output.ended(run)
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
    void this.scope.close({ code: 'failed', detail: error.message, error })
  }

  async #end(): Promise<void> {
    await this.#supervisor.stop()
    this.#options.reservation.release()
    const reason = describeReason(this.scope.signal.reason as CloseReason)
    this.#options.log.info({ ...this.#fields(), ...this.stats }, `transcode stopped: ${reason}`)
  }

  #fields(): object {
    return { track: this.#from.id, from: this.#intake.source, to: this.#intake.target }
  }
}
