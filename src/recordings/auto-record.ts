/** Records streams that the configuration names, each time into a new file. */

import { matchesAny } from '../access/pattern.ts'
import type { Logger } from '../adapters/adapter.ts'
import type { Bridge } from '../bridges/bridge.ts'
import type { Bridges } from '../bridges/bridges.ts'
import type { ResolveFile } from '../bridges/endpoint.ts'
import type { Clock, Registry } from '../core/types.ts'
import { toGatewayError } from '../errors.ts'
import type { RecordingsConfig } from './config.ts'
import { fileName } from './file-name.ts'

export interface AutoRecordParts {
  /** Read anew each time. */
  readonly config: Pick<RecordingsConfig, 'auto' | 'name'>
  readonly registry: Registry
  readonly bridges: Pick<Bridges, 'open'>
  readonly resolveFile: ResolveFile
  readonly clock: Clock
  readonly log: Logger
}

export class AutoRecord {
  readonly #parts: AutoRecordParts
  /** By stream: its recording, or undefined while that begins. */
  readonly #running = new Map<string, Bridge | undefined>()
  /** By stream: why it is not recorded, said once. */
  readonly #refused = new Map<string, string>()

  constructor(parts: AutoRecordParts) {
    this.#parts = parts
  }

  /** Starts what is missing. Recordings that run go on when their stream is no longer named. */
  sync(): void {
    const { config, registry } = this.#parts
    const live = registry.list().filter(({ state }) => state === 'ready')
    for (const name of this.#refused.keys())
      if (!live.some(stream => stream.name === name)) this.#refused.delete(name)
    for (const { name } of live)
      if (!this.#running.has(name) && matchesAny(config.auto, name)) void this.#start(name)
  }

  async #start(stream: string): Promise<void> {
    const { config, bridges, clock, log, resolveFile } = this.#parts
    this.#running.set(stream, undefined)
    const file = fileName(config.name, stream, new Date(clock.wall() / 1000))
    try {
      const bridge = await bridges.open({ from: `stream:${stream}`, to: [file], retry: false, resolveFile })
      this.#running.set(stream, bridge)
      this.#refused.delete(stream)
      log.info({ stream, file, bridge: bridge.id }, 'recording, as recordings.auto says')
      await bridge.closed
    } catch (thrown) {
      this.#refuse(stream, toGatewayError(thrown).message)
    } finally {
      this.#running.delete(stream)
    }
  }

  #refuse(stream: string, why: string): void {
    if (this.#refused.get(stream) === why) return
    this.#refused.set(stream, why)
    this.#parts.log.warn({ stream }, `not recorded: ${why}`)
  }
}
