/** What another configuration would change, and when each change takes effect. */
import type { Adapter, ReloadClass } from '../adapters/adapter.ts'
import type { Config } from './config.ts'
import { type Leaf, leaves } from './leaves.ts'
import { classifiedKey, reloadClasses } from './reload-classes.ts'
import { fingerprint, shown } from './shown.ts'

export interface Change {
  /** `rtmp.listen.port` */
  readonly key: string
  /** Without keys and passwords; null: not set. */
  readonly from: unknown
  readonly to: unknown
  readonly class: ReloadClass
  /** The entry of the table of classes, up to which the change is carried out as a whole. */
  readonly unit: string
}

const byKey = (list: readonly Leaf[]): ReadonlyMap<string, Leaf> =>
  new Map(list.map(leaf => [leaf.path.join('.'), leaf]))

/** A key of an adapter that names no class takes effect at the next start. */
export const planChanges = (
  running: Config,
  next: Config,
  adapters: readonly Adapter<unknown>[],
): readonly Change[] => {
  const classes = reloadClasses(adapters)
  const [before, after] = [byKey(leaves(running, adapters)), byKey(leaves(next, adapters))]
  const keys = [...new Set([...before.keys(), ...after.keys()])]
  return keys.flatMap(key => {
    const [from, to] = [before.get(key)?.value, after.get(key)?.value]
    if (fingerprint(from) === fingerprint(to)) return []
    const unit = classifiedKey(classes, (before.get(key) ?? after.get(key))!.path) ?? key
    return [{ key, from: shown(from), to: shown(to), class: classes.get(unit) ?? 'restart', unit }]
  })
}
