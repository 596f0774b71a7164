/** The streams that the gateway fetches itself, as the `sources` section says. */
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from '../adapters/adapter.ts'
import type { UrlEndpoint } from '../bridges/endpoint.ts'
import type { RetryPolicy } from '../bridges/link-state.ts'
import type { Clock, CloseReason, Demand, Registry, Scope } from '../core/types.ts'
import { toGatewayError } from '../errors.ts'
import { maskUrls } from '../observe/mask-urls.ts'
import type { SourceConfig, SourcesConfig } from './config.ts'
import { Source, type SourceInfo } from './source.ts'

export interface Sources {
  list(): readonly SourceInfo[]
  find(stream: string): SourceInfo | undefined
  /** For the registry: whether and how a stream that nobody publishes can be had. */
  demand(stream: string): Demand | undefined
  /** From now on these; entries that are gone or have changed end with their streams, the others go on. */
  apply(config: SourcesConfig): Promise<void>
}
export interface SourcesParts {
  /** What stands behind a URL. @throws GatewayError 'bad-url', 'bad-name' */
  readonly dial: (url: string) => UrlEndpoint
  readonly registry: Registry
  readonly retry: RetryPolicy
  readonly clock: Clock
  readonly scope: Scope
  readonly log: Logger
}

interface Entry {
  readonly config: SourceConfig
  readonly scope: Scope
  readonly source: Source
}

class ConfiguredSources implements Sources {
  readonly #parts: SourcesParts
  readonly #entries = new Map<string, Entry>()
  /** Those that cannot be, with the reason. */
  readonly #wrong = new Map<string, SourceInfo>()

  constructor(parts: SourcesParts) {
    this.#parts = parts
    const { registry, scope } = parts
    const look = ({ name }: { readonly name: string }): void => this.#entries.get(name)?.source.look()
    scope.defer(registry.on('stream:demand', name => this.#entries.get(name)?.source.demand()))
    scope.defer(registry.on('subscriber:joined', look))
    scope.defer(registry.on('subscriber:left', look))
  }

  list(): readonly SourceInfo[] {
    return [...[...this.#entries.values()].map(({ source }) => source.info), ...this.#wrong.values()]
  }

  find(stream: string): SourceInfo | undefined {
    return this.#entries.get(stream)?.source.info ?? this.#wrong.get(stream)
  }

  demand(stream: string): Demand | undefined {
    const entry = this.#entries.get(stream)
    if (entry === undefined) return undefined
    const missing = (): string => {
      const { url, lastError } = entry.source.info
      return `${url} – ${maskUrls(lastError?.message ?? 'it has sent nothing yet')}`
    }
    return { waitMs: entry.source.startMs, missing }
  }

  async apply(config: SourcesConfig): Promise<void> {
    const changed = [...this.#entries].filter(
      ([name, entry]) => !isDeepStrictEqual(entry.config, config[name]),
    )
    this.#wrong.clear()
    await Promise.all(changed.map(([name, entry]) => this.#remove(name, entry)))
    for (const [name, entry] of Object.entries(config)) if (!this.#entries.has(name)) this.#add(name, entry)
  }

  #remove(name: string, { scope }: Entry): Promise<void> {
    this.#entries.delete(name)
    const reason: CloseReason = { code: 'unpublished', detail: `sources.${name} was changed or removed` }
    return scope.close(reason)
  }

  #add(stream: string, config: SourceConfig): void {
    const { dial, scope, log, ...parts } = this.#parts
    try {
      const endpoint = dial(config.url)
      const own = scope.child(`source ${stream}`)
      const bound = { ...parts, stream, config, endpoint, scope: own, log: log.child({ stream }) }
      this.#entries.set(stream, { config, scope: own, source: new Source(bound) })
    } catch (thrown) {
      const lastError = toGatewayError(thrown)
      log.error({ stream }, `sources.${stream} cannot be: ${lastError.message}`)
      const { url, onDemand } = config
      const never = { state: 'failed', retries: 0, nextRetryAt: undefined, viewers: 0 } as const
      this.#wrong.set(stream, { stream, url: maskUrls(url), onDemand, lastError, ...never })
    }
  }
}

export const createSources = (parts: SourcesParts): Sources => new ConfiguredSources(parts)
