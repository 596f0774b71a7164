/** Keeps one run going: starts it again when it dies, later each time, until it is pointless. */
import type { Clock } from '../core/types.ts'
import { GatewayError } from '../errors.ts'
import { CLEAN_EXIT } from './child.ts'
import { createRestartPolicy } from './restart-policy.ts'
import type { Run } from './run.ts'
import type { TranscodeLog } from './types.ts'

export interface SupervisorOptions {
  readonly clock: Clock
  readonly log: TranscodeLog
  /** Fields that name the job in the log. */
  readonly describe: () => object
  readonly gaveUp: (error: GatewayError) => void
}
/** Starts a run; it must tell `exited` when its process is gone. */
export type StartRun = (exited: (why: string) => void) => Run

export class Supervisor {
  restarts = 0
  lastFailure: string | undefined
  readonly #options: SupervisorOptions
  readonly #policy = createRestartPolicy()
  /** Runs that were told to stop and are finishing what they have. */
  readonly #ending = new Set<Promise<void>>()
  #run: Run | undefined
  #cancelRestart: (() => void) | undefined

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  /** undefined while it waits to be restarted. */
  get run(): Run | undefined {
    return this.#run
  }

  /** From now on this run; the one before finishes what it has. `why` is for the log: "started". */
  start(start: StartRun, why: string): void {
    this.#retire()
    const run = start(exit => this.#exited(run, start, exit))
    this.#run = run
    const { log, describe } = this.#options
    log.info({ ...describe(), pid: run.pid, restarts: this.restarts }, `transcode ${why}`)
  }

  /** Resolves when every process is gone. */
  async stop(): Promise<void> {
    this.#retire()
    await Promise.all(this.#ending)
  }

  #retire(): void {
    this.#cancelRestart?.()
    this.#cancelRestart = undefined
    const run = this.#run
    this.#run = undefined
    if (run === undefined) return
    const gone = run.stop().then(how => {
      this.#ending.delete(gone)
      this.#noteEnd(run, how)
    })
    this.#ending.add(gone)
  }

  #noteEnd(run: Run, how: string): void {
    if (how === CLEAN_EXIT) return
    const { log, describe } = this.#options
    log.warn({ ...describe(), pid: run.pid, stderr: run.stderr }, `transcode was stopped, but ffmpeg ${how}`)
  }

  #exited(run: Run, start: StartRun, exit: string): void {
    if (run !== this.#run) return
    this.#run = undefined
    this.lastFailure = `ffmpeg ${exit}`
    const { clock, log, describe } = this.#options
    const delayUs = this.#policy.failed(clock.now() - run.startedUs, run.packetsOut > 0)
    const { failures } = this.#policy
    const fields = { ...describe(), lost: run.waiting, failures, stderr: run.stderr }
    if (delayUs === undefined) {
      log.warn(fields, `transcode given up: ${this.lastFailure}, ${failures} times in a row`)
      this.#giveUp(run.stderr, failures)
      return
    }
    log.warn({ ...fields, delayMs: delayUs / 1000 }, `transcode restarts: ${this.lastFailure}`)
    this.#cancelRestart = clock.after(delayUs, () => {
      this.restarts += 1
      this.start(start, 'restarted')
    })
  }

  #giveUp(stderr: readonly string[], failures: number): void {
    const said = stderr.length === 0 ? 'it said nothing' : stderr.join('\n')
    const why = `${this.lastFailure}, ${failures} times in a row: ${said}`
    this.#options.gaveUp(new GatewayError('transcode-unavailable', why))
  }
}
