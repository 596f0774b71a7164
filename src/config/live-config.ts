/** The configuration of a running gateway: read anew, compared, and carried out as far as each key allows. */
import type { Adapter, Logger } from '../adapters/adapter.ts'
import type { Clock } from '../core/types.ts'
import { GatewayError, toGatewayError } from '../errors.ts'
import { type Config, type ConfigInput, mergeConfig, parseConfig } from './config.ts'
import { type ConfigLayers, type ExplainedKey, explainConfig } from './explain.ts'
import { sectionOf } from './leaves.ts'
import { type Change, planChanges } from './plan.ts'

export interface LiveConfig {
  /**
   * What runs. Its sections are the same objects for as long as the gateway runs, and hold new values after a reload:
   * who reads a key each time has it live, who reads it when a session begins has it for the next session. Keys of the
   * class 'restart' never change.
   */
  readonly config: Config
  /** Runs after a reload has changed a key of the section. */
  on(section: string, listener: () => void | Promise<void>): void
  /** What `file` would change, with the flags as they are. @throws GatewayError 'bad-config' for what a reload refuses */
  plan(file: ConfigInput): Promise<readonly Change[]>
  /** Reads the file anew. One that cannot be taken changes nothing. @throws GatewayError 'bad-config', 'not-implemented' */
  reload(): Promise<readonly Change[]>
  /** Changes that were read and wait for a restart. */
  readonly pending: readonly Change[]
  readonly lastReload: LastReload | undefined
  explain(): readonly ExplainedKey[]
}
export interface LastReload {
  /** Wall clock, microseconds. */
  readonly at: number
  /** Why the old configuration was kept. */
  readonly error: GatewayError | undefined
}

export interface LiveConfigParts {
  readonly config: Config
  readonly layers: ConfigLayers
  readonly adapters: readonly Adapter<unknown>[]
  /** Absent: it was not read from a file. */
  readonly read?: (() => Promise<ConfigLayers>) | undefined
  readonly clock: Clock
  readonly log: Logger
}

/** The last look at a configuration before it is taken. @throws GatewayError 'bad-config' */
export type CheckConfig = (next: Config) => void | Promise<void>

type Mutable = Record<string, unknown>

/** Puts the value at `unit` of `next` in the same place of `running`, whose sections stay the same objects. */
const take = (running: Config, next: Config, unit: string): void => {
  const [section = '', ...path] = unit.split('.')
  const last = path.pop()
  if (last === undefined) {
    replaceSection(running, next, section)
    return
  }
  const within = (root: unknown): Mutable => path.reduce((at, key) => at[key] as Mutable, root as Mutable)
  within(sectionOf(running, section))[last] = within(sectionOf(next, section))[last]
}

const replaceSection = (running: Config, next: Config, name: string): void => {
  const [from, to] = [sectionOf(next, name), sectionOf(running, name) as Mutable]
  if (Array.isArray(to)) {
    to.splice(0, to.length, ...(from as unknown[]))
    return
  }
  for (const key of Object.keys(to)) delete to[key]
  Object.assign(to, from)
}

const sentence = (changes: readonly Change[]): string => {
  const of = (name: Change['class']): string[] => {
    const keys = changes.filter(change => change.class === name).map(({ key }) => key)
    return keys.length === 0 ? [] : [`${name}: ${keys.join(', ')}`]
  }
  const parts = [...of('live'), ...of('next-session'), ...of('restart')]
  return parts.length === 0 ? 'nothing has changed' : parts.join('; ')
}

export class RunningConfig implements LiveConfig {
  readonly config: Config
  lastReload: LastReload | undefined
  readonly #parts: LiveConfigParts
  readonly #listeners = new Map<string, (() => void | Promise<void>)[]>()
  #layers: ConfigLayers
  #wanted: Config
  #check: CheckConfig = () => undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(parts: LiveConfigParts) {
    this.#parts = parts
    this.#layers = parts.layers
    this.config = parts.config
    this.#wanted = parts.config
  }

  get pending(): readonly Change[] {
    return this.#compare(this.#wanted).filter(change => change.class === 'restart')
  }

  on(section: string, listener: () => void | Promise<void>): void {
    this.#listeners.set(section, [...(this.#listeners.get(section) ?? []), listener])
  }

  /** Replaces the check. */
  checkBy(check: CheckConfig): void {
    this.#check = check
  }

  async plan(file: ConfigInput): Promise<readonly Change[]> {
    const next = this.#parse({ ...this.#layers, file })
    await this.#check(next)
    return this.#compare(next)
  }

  explain(): readonly ExplainedKey[] {
    return explainConfig(this.config, this.#layers, this.#parts.adapters)
  }

  /** One after the other. */
  reload(): Promise<readonly Change[]> {
    const turn = this.#turn.then(() => this.#reload())
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  #parse({ file, flags }: ConfigLayers): Config {
    return parseConfig(mergeConfig(file, flags), this.#parts.adapters)
  }

  #compare(next: Config): readonly Change[] {
    return planChanges(this.config, next, this.#parts.adapters)
  }

  async #reload(): Promise<readonly Change[]> {
    const { log, clock } = this.#parts
    try {
      const changes = await this.#readAndTake()
      this.lastReload = { at: clock.wall(), error: undefined }
      log.info({ changes: changes.length }, `configuration read anew: ${sentence(changes)}`)
      return changes
    } catch (thrown) {
      const error = toGatewayError(thrown)
      this.lastReload = { at: clock.wall(), error }
      log.error({ code: error.code }, `the configuration stays as it was: ${error.message}`)
      throw error
    }
  }

  async #readAndTake(): Promise<readonly Change[]> {
    const { read } = this.#parts
    if (read === undefined)
      throw new GatewayError('not-implemented', 'this gateway was started without a configuration file')
    const layers = await read()
    const next = this.#parse(layers)
    await this.#check(next)
    const changes = this.#compare(next)
    this.#layers = layers
    this.#wanted = next
    const units = new Set(changes.filter(change => change.class !== 'restart').map(({ unit }) => unit))
    for (const unit of units) take(this.config, next, unit)
    await this.#tell(new Set([...units].map(unit => unit.split('.')[0]!)))
    return changes
  }

  async #tell(sections: ReadonlySet<string>): Promise<void> {
    for (const section of sections)
      for (const listener of this.#listeners.get(section) ?? [])
        try {
          await listener()
        } catch (err) {
          this.#parts.log.error({ err, section }, `a change of ${section} could not be carried out in full`)
        }
  }
}
