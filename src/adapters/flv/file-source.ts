/** An FLV file as a live source. */
import type { FileHandle } from 'node:fs/promises'
import { basename } from 'node:path'
import { closable, createScope } from '../../core/scope.ts'
import type { Clock, Closable, Publication, Scope } from '../../core/types.ts'
import { toGatewayError } from '../../errors.ts'
import { publishTags } from '../../flv-session/ingest.ts'
import type { TagIngest } from '../../flv-session/types.ts'
import { tagRole } from '../../media/flv/tag-role.ts'
import type { FlvTag } from '../../media/flv/types.ts'
import type { AdapterContext } from '../adapter.ts'
import { findStart, openFile, readPlaced, type StartPoint } from './file-reader.ts'
import { createLoopTime } from './loop-time.ts'
import { createPacer } from './pacer.ts'
import { type FileSource, parseFileSource } from './source-url.ts'

/** Waits shorter than this are not worth a timer. */
const MIN_WAIT_US = 1_000
/** How often an unpaced source looks whether somebody wants it. */
const DEMAND_POLL_US = 10_000

const sleep = (clock: Clock, us: number, signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    if (signal.aborted) return resolve()
    const wake = (): void => {
      cancel()
      signal.removeEventListener('abort', wake)
      resolve()
    }
    const cancel = clock.after(us, wake)
    signal.addEventListener('abort', wake, { once: true })
  })

class FilePlayer {
  readonly #file: FileHandle
  readonly #source: FileSource
  readonly #context: AdapterContext
  readonly #ingest: TagIngest
  readonly #signal: AbortSignal
  readonly #time = createLoopTime()
  readonly #wait: (tag: FlvTag) => Promise<void> | undefined

  constructor(
    file: FileHandle,
    source: FileSource,
    context: AdapterContext,
    ingest: TagIngest,
    signal: AbortSignal,
  ) {
    this.#file = file
    this.#source = source
    this.#context = context
    this.#ingest = ingest
    this.#signal = signal
    this.#wait = source.realtime ? this.#paced() : tag => this.#wanted(tag)
  }

  /** Plays until the end of the last pass, or until the scope closes. */
  async play(start: StartPoint): Promise<void> {
    for (const tag of start.preface) this.#ingest.push(this.#time.place(tag))
    await this.#pass(start.position)
    for (let pass = 1; pass < this.#source.plays && !this.#signal.aborted; pass += 1) {
      this.#time.rewind()
      await this.#pass(0)
    }
    await this.#ingest.drained()
  }

  async #pass(from: number): Promise<void> {
    const { log } = this.#context
    const say = (cause: string, bytes: number): void =>
      log.warn({ file: this.#source.path, cause, bytes }, `FLV file: ${cause}`)
    for await (const batch of readPlaced(this.#file, from, say)) {
      for (const { tag } of batch) {
        if (this.#signal.aborted) return
        await this.#push(this.#time.place(tag))
      }
    }
  }

  async #push(tag: FlvTag): Promise<void> {
    const waiting = this.#wait(tag)
    if (waiting !== undefined) await waiting
    if (!this.#signal.aborted && !this.#ingest.push(tag)) await this.#ingest.drained()
  }

  #paced(): (tag: FlvTag) => Promise<void> | undefined {
    const { clock } = this.#context
    const pacer = createPacer(clock)
    return tag => {
      const role = tagRole(tag)
      if (role === 'metadata' || role === 'config') return undefined
      const us = pacer.waitUs(tag.timestampMs)
      return us < MIN_WAIT_US ? undefined : sleep(clock, us, this.#signal)
    }
  }

  /** Without a pace nothing may be lost either: it waits for its first reader. */
  #wanted(tag: FlvTag): Promise<void> | undefined {
    return tag.type === 18 || !this.#ingest.ready || this.#ingest.demand > 0 ? undefined : this.#untilWanted()
  }

  async #untilWanted(): Promise<void> {
    while (this.#ingest.demand === 0 && !this.#signal.aborted) {
      await sleep(this.#context.clock, DEMAND_POLL_US, this.#signal)
    }
  }
}

const run = async (player: FilePlayer, start: StartPoint, scope: Scope, path: string): Promise<void> => {
  try {
    await player.play(start)
    await scope.close({ code: 'source-ended', detail: `${basename(path)} has played to its end` })
  } catch (thrown) {
    const error = toGatewayError(thrown)
    await scope.close({ code: 'failed', detail: `${basename(path)}: ${error.message}`, error })
  }
}

/**
 * Plays a file into `publication`. Resolves when its beginning was read.
 * @throws GatewayError 'bad-url', 'not-found', 'malformed', 'bad-request' when it is shorter than the start
 * asked for
 */
export const pullFile = async (
  context: AdapterContext,
  url: URL,
  publication: Publication,
): Promise<Closable> => {
  const source = parseFileSource(url)
  const file = await openFile(source.path)
  const scope = createScope(`file ${basename(source.path)}`, { signal: publication.signal })
  scope.defer(() => file.close())
  try {
    const start = await findStart(file, source.startMs)
    const ingest = publishTags({ publication, clock: context.clock, log: context.log })
    scope.defer(() => ingest.end())
    const player = new FilePlayer(file, source, context, ingest, scope.signal)
    const playing = run(player, start, scope, source.path)
    void playing
    return closable(scope)
  } catch (error) {
    await scope.close({ code: 'failed', detail: toGatewayError(error).message })
    throw error
  }
}
