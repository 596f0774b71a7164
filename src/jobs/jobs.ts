/** File jobs: a queue with a limit, a few at once, the last ones remembered. */
import { randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { Logger } from '../adapters/adapter.ts'
import type { Clock, Scope } from '../core/types.ts'
import { GatewayError } from '../errors.ts'
import { isHeldOpen } from '../record/open-files.ts'
import type { FileTool } from './file-tool.ts'
import { Job, type JobInfo } from './job.ts'
import type { JobRequest } from './request.ts'

export interface Jobs {
  /**
   * Takes a job into the queue.
   * @throws GatewayError 'bad-name', 'forbidden', 'not-found', 'bad-request' when `to` exists, 'no-space', 'busy' when
   * the queue is full or the source is still being recorded
   */
  add(request: JobRequest): Promise<JobInfo>
  find(id: string): JobInfo | undefined
  list(): readonly JobInfo[]
  /** Cancels one that is not over, forgets one that is. false: there is none. */
  remove(id: string): boolean
}
export interface JobLimits {
  readonly atOnce: number
  /** Beside those that run. */
  readonly waiting: number
}
export interface JobsParts {
  readonly tool: FileTool
  /** Read anew each time. */
  readonly limits: () => JobLimits
  /** @throws GatewayError 'bad-name', 'forbidden' */
  readonly resolveFile: (name: string) => string
  /** @throws GatewayError 'no-space' */
  readonly admit: () => Promise<void>
  readonly clock: Clock
  readonly scope: Scope
  readonly log: Logger
}

/** Jobs that are over are kept this many, so that their end can be read. */
const remembered = 100

class JobQueue implements Jobs {
  readonly #parts: JobsParts
  readonly #jobs = new Map<string, Job>()
  readonly #waiting: Job[] = []
  readonly #running = new Map<Job, Promise<void>>()

  constructor(parts: JobsParts) {
    this.#parts = parts
    parts.scope.defer(() => this.#stop())
  }

  async add(request: JobRequest): Promise<JobInfo> {
    const { tool, clock } = this.#parts
    const task = { request, ...(await this.#check(request)) }
    this.#checkQueue()
    const id = randomBytes(4).toString('hex')
    const job = new Job({ id, task, tool, nowMs: () => Math.round(clock.wall() / 1000) })
    this.#jobs.set(id, job)
    this.#waiting.push(job)
    this.#next()
    return job.info
  }

  find(id: string): JobInfo | undefined {
    return this.#jobs.get(id)?.info
  }

  list(): readonly JobInfo[] {
    return [...this.#jobs.values()].map(job => job.info)
  }

  remove(id: string): boolean {
    const job = this.#jobs.get(id)
    if (job === undefined) return false
    if (job.isOver) return this.#jobs.delete(id)
    const place = this.#waiting.indexOf(job)
    if (place >= 0) this.#waiting.splice(place, 1)
    job.cancel()
    return true
  }

  async #check({ from, to }: JobRequest): Promise<{ readonly from: string; readonly to: string }> {
    const { resolveFile, admit } = this.#parts
    const paths = { from: resolveFile(from), to: resolveFile(to) }
    const [source, target] = await Promise.all(
      [paths.from, paths.to].map(path => stat(path).catch(() => undefined)),
    )
    if (source?.isFile() !== true) throw new GatewayError('not-found', `there is no recording ${from}`)
    if (target !== undefined)
      throw new GatewayError('bad-request', `${to} is there already, and nothing is overwritten`)
    if (isHeldOpen(paths.from) && !this.#isSource(paths.from))
      throw new GatewayError('busy', `${from} is still being recorded`)
    await admit()
    return paths
  }

  /** Held for a job that reads it, which disturbs nobody. */
  #isSource(path: string): boolean {
    const { resolveFile } = this.#parts
    return [...this.#running.keys()].some(({ info }) => resolveFile(info.from) === path)
  }

  #checkQueue(): void {
    const { atOnce, waiting } = this.#parts.limits()
    if (this.#running.size < atOnce || this.#waiting.length < waiting) return
    throw new GatewayError(
      'busy',
      `${this.#running.size} jobs run and ${this.#waiting.length} wait, at most ${atOnce} and ${waiting}`,
      { retryAfterS: 10 },
    )
  }

  #next(): void {
    while (this.#running.size < this.#parts.limits().atOnce) {
      const job = this.#waiting.shift()
      if (job === undefined) return
      const done = job.run().then(() => this.#finished(job))
      this.#running.set(job, done)
    }
  }

  #finished(job: Job): void {
    this.#running.delete(job)
    const { id, kind, from, to, state, error, bytes, createdMs, endedMs } = job.info
    const fields = { job: id, kind, from, to, bytes, tookMs: (endedMs ?? 0) - createdMs }
    if (state === 'failed') this.#parts.log.warn(fields, `job failed: ${error?.message}`)
    else this.#parts.log.info(fields, `job ${state}`)
    this.#forget()
    this.#next()
  }

  #forget(): void {
    const over = [...this.#jobs].filter(([, job]) => job.isOver)
    for (const [id] of over.slice(0, Math.max(0, over.length - remembered))) this.#jobs.delete(id)
  }

  async #stop(): Promise<void> {
    for (const job of this.#waiting.splice(0)) job.cancel()
    for (const job of this.#running.keys()) job.cancel()
    await Promise.all(this.#running.values())
  }
}

export const createJobs = (parts: JobsParts): Jobs => new JobQueue(parts)
