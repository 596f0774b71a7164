/** The recordings directory: what is in it, what goes, and whether more may come. */
import type { Logger } from '../adapters/adapter.ts'
import type { Clock, Scope } from '../core/types.ts'
import { GatewayError, toGatewayError } from '../errors.ts'
import { resolveUnder } from '../record/path.ts'
import type { RecordingsConfig } from './config.ts'
import { freeBytes, listRecordings, type Recording, removeLeftovers, removeRecording } from './library.ts'
import { chooseEvictions, type Eviction } from './retention.ts'

/** How often the limits are looked at. */
const roundUs = 10_000_000

export interface Recordings {
  /** The absolute path of a name. @throws GatewayError 'bad-name', 'forbidden' */
  resolve(name: string): string
  list(): Promise<readonly Recording[]>
  /** @throws GatewayError 'not-found', 'busy' while it is in use, 'bad-name', 'io-failed' */
  remove(name: string): Promise<void>
  /** May another file be begun? @throws GatewayError 'no-space' with the numbers */
  admit(): Promise<void>
  /** Bytes that the disk has left. */
  free(): Promise<number>
  /** Lets go what is beyond the limits, now. */
  enforce(): Promise<void>
  /** Deletes half files that jobs of a gateway that was killed have left. */
  tidy(): Promise<void>
}
export interface RecordingsParts {
  /** Read anew each time. */
  readonly config: RecordingsConfig
  readonly clock: Clock
  readonly log: Logger
  /** Bytes that the disk has left. Default: what the system says. */
  readonly free?: (directory: string) => Promise<number>
}

class RecordingsDirectory implements Recordings {
  readonly #parts: RecordingsParts
  readonly #free: (directory: string) => Promise<number>
  /** Rounds follow each other: two at once would count the same files twice. */
  #round: Promise<void> = Promise.resolve()
  #lastTrouble: string | undefined

  constructor(parts: RecordingsParts) {
    this.#parts = parts
    this.#free = parts.free ?? freeBytes
  }

  get #directory(): string {
    return this.#parts.config.directory
  }
  get #nowMs(): number {
    return this.#parts.clock.wall() / 1000
  }

  resolve(name: string): string {
    return resolveUnder(this.#directory, name)
  }

  list(): Promise<readonly Recording[]> {
    return listRecordings(this.#directory, this.#nowMs)
  }

  free(): Promise<number> {
    return this.#free(this.#directory)
  }

  async remove(name: string): Promise<void> {
    await removeRecording(this.#directory, name)
    this.#parts.log.info({ recording: name }, 'recording deleted on request')
  }

  async admit(): Promise<void> {
    if (await this.#hasRoom()) return
    await this.enforce()
    if (await this.#hasRoom()) return
    const { minFreeBytes } = this.#parts.config
    const left = await this.#free(this.#directory)
    throw new GatewayError(
      'no-space',
      `the disk of the recordings has ${left} bytes left, recordings.minFreeBytes is ${minFreeBytes}`,
    )
  }

  enforce(): Promise<void> {
    this.#round = this.#round.then(() => this.#evict()).catch((thrown: unknown) => this.#trouble(thrown))
    return this.#round
  }

  async tidy(): Promise<void> {
    const removed = await removeLeftovers(this.#directory, this.#nowMs)
    if (removed.length > 0)
      this.#parts.log.info({ removed }, 'half files of jobs that were killed are deleted')
  }

  async #hasRoom(): Promise<boolean> {
    const { minFreeBytes } = this.#parts.config
    return minFreeBytes === 0 || (await this.#free(this.#directory)) >= minFreeBytes
  }

  async #evict(): Promise<void> {
    const { config } = this.#parts
    const isBounded = config.maxBytes > 0 || config.maxAgeDays > 0
    if (!isBounded && (await this.#hasRoom())) return
    const [files, free] = await Promise.all([this.list(), this.#free(this.#directory)])
    for (const eviction of chooseEvictions(files, config, this.#nowMs, free)) await this.#remove(eviction)
    this.#lastTrouble = undefined
  }

  async #remove({ file, why }: Eviction<Recording>): Promise<void> {
    const { name, bytes, modifiedMs } = file
    try {
      await removeRecording(this.#directory, name)
      const written = new Date(modifiedMs).toISOString()
      this.#parts.log.info({ recording: name, bytes, written }, `recording deleted: ${why}`)
    } catch (thrown) {
      this.#trouble(thrown)
    }
  }

  /** The same trouble each round is one line. */
  #trouble(thrown: unknown): void {
    const { message } = toGatewayError(thrown)
    if (message === this.#lastTrouble) return
    this.#lastTrouble = message
    this.#parts.log.error({ err: thrown }, `the limits of the recordings cannot be kept: ${message}`)
  }
}

export const createRecordings = (parts: RecordingsParts): Recordings => new RecordingsDirectory(parts)

/** Runs `round` at once and every ten seconds, until the scope closes. */
export const everyRound = (clock: Clock, scope: Scope, round: () => void): void => {
  let cancel = (): void => undefined
  const run = (): void => {
    round()
    cancel = clock.after(roundUs, run)
  }
  scope.defer(() => cancel())
  run()
}
