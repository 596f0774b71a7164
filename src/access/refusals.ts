/** Refusals are counted all, and logged once in a while for each source: whoever tries a million keys fills no disk. */
import type { Access, Logger } from '../adapters/adapter.ts'
import type { Clock, Scope } from '../core/types.ts'
import type { GatewayError } from '../errors.ts'

/** After a line about a source, its next refusals are told as one number. */
const quietUs = 10_000_000
/** Sources that are remembered at once; what comes from others meanwhile is told together. */
const mostSources = 1000
const others = 'others'

export interface Refusals {
  add(asker: Pick<Access, 'remote' | 'protocol'>, action: Access['action'], error: GatewayError): void
  /** How many there were, by `action code`: "publish unauthorized". At most six keys. */
  readonly counts: ReadonlyMap<string, number>
}

export const createRefusals = (log: Logger, clock: Clock, scope: Scope): Refusals => {
  const counts = new Map<string, number>()
  const unsaid = new Map<string, number>()
  const timers = new Map<string, () => void>()

  const hush = (source: string): void => {
    unsaid.set(source, 0)
    timers.set(
      source,
      clock.after(quietUs, () => speak(source)),
    )
  }
  const speak = (source: string): void => {
    const more = unsaid.get(source) ?? 0
    unsaid.delete(source)
    timers.delete(source)
    if (more === 0) return
    log.warn({ remote: source, refused: more }, `${more} more refused within ${quietUs / 1e6} s`)
    hush(source)
  }
  scope.defer(() => {
    for (const cancel of timers.values()) cancel()
  })

  return {
    counts,
    add({ remote, protocol }, action, error) {
      const key = `${action} ${error.code}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
      const source = unsaid.has(remote) || unsaid.size < mostSources ? remote : others
      const before = unsaid.get(source)
      if (before !== undefined) {
        unsaid.set(source, before + 1)
        return
      }
      log.warn({ remote: source, protocol, code: error.code }, error.message)
      hush(source)
    },
  }
}
