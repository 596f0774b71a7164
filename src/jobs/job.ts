/** One file job: from its place in the queue to its end. */
import { link, mkdir, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { GatewayError, toGatewayError } from '../errors.ts'
import { holdOpen } from '../record/open-files.ts'
import type { FileTask, FileTool } from './file-tool.ts'
import type { JobRequest } from './request.ts'

export type JobState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled'

export interface JobInfo {
  readonly id: string
  readonly kind: JobRequest['kind']
  readonly from: string
  readonly to: string
  readonly state: JobState
  /** 0 to 1. */
  readonly progress: number
  readonly error: GatewayError | undefined
  /** Of the file that it made. */
  readonly bytes: number | undefined
  /** Wall clock, milliseconds. */
  readonly createdMs: number
  readonly endedMs: number | undefined
}

export interface JobParts {
  readonly id: string
  readonly task: FileTask
  readonly tool: FileTool
  readonly nowMs: () => number
}

/** Hidden, so that nobody takes half a file for a whole one. Recordings know the pattern. */
const partOf = ({ to }: FileTask, id: string): string => join(dirname(to), `.${basename(to)}.${id}.part`)

const taken = (name: string): GatewayError =>
  new GatewayError('bad-request', `${name} is there already, and nothing is overwritten`)

export class Job {
  readonly #parts: JobParts
  readonly #abort = new AbortController()
  readonly #created: number
  #state: JobState = 'queued'
  #progress = 0
  #error: GatewayError | undefined
  #bytes: number | undefined
  #ended: number | undefined

  constructor(parts: JobParts) {
    this.#parts = parts
    this.#created = parts.nowMs()
  }

  get isOver(): boolean {
    return this.#ended !== undefined
  }

  get info(): JobInfo {
    const { id, task } = this.#parts
    const { kind, from, to } = task.request
    return {
      ...{ id, kind, from, to },
      ...{ state: this.#state, progress: this.#progress, error: this.#error, bytes: this.#bytes },
      ...{ createdMs: this.#created, endedMs: this.#ended },
    }
  }

  /** Queued, it will not run; running, its process is killed. */
  cancel(): void {
    this.#abort.abort()
    if (this.#state === 'queued') this.#end('cancelled')
  }

  /** Resolves when it is over and its process gone. Never rejects. */
  async run(): Promise<void> {
    this.#state = 'running'
    try {
      this.#bytes = await this.#make()
      this.#progress = 1
      this.#end('done')
    } catch (thrown) {
      this.#error = toGatewayError(thrown, 'io-failed')
      this.#end(this.#abort.signal.aborted ? 'cancelled' : 'failed')
    }
  }

  #end(state: JobState): void {
    this.#state = state
    this.#ended = this.#parts.nowMs()
  }

  /** The file appears under its name when it is whole. */
  async #make(): Promise<number> {
    const { task, tool, id } = this.#parts
    const part = partOf(task, id)
    const letGo = holdOpen(task.from)
    const onProgress = (done: number): void => {
      this.#progress = done
    }
    try {
      await mkdir(dirname(part), { recursive: true })
      await tool.run({ ...task, to: part }, onProgress, this.#abort.signal)
      return await this.#publish(part)
    } finally {
      letGo()
      await unlink(part).catch(() => undefined)
    }
  }

  async #publish(part: string): Promise<number> {
    const { request, to } = this.#parts.task
    const made = await stat(part).catch(() => undefined)
    if (made === undefined) throw new GatewayError('malformed', `${request.from} has nothing there`)
    await link(part, to).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'EEXIST' ? taken(request.to) : toGatewayError(error, 'io-failed')
    })
    return made.size
  }
}
