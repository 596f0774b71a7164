/** Where each key of the configuration comes from. */
import type { Adapter, ReloadClass } from '../adapters/adapter.ts'
import type { Config, ConfigInput } from './config.ts'
import { leaves, valueAt } from './leaves.ts'
import { classifiedKey, reloadClasses } from './reload-classes.ts'
import { shown } from './shown.ts'

/** What was given, by whom. */
export interface ConfigLayers {
  readonly file: ConfigInput
  /** The command line: wins over the file. */
  readonly flags: ConfigInput
}
export type Origin = 'flag' | 'file' | 'default'

export interface ExplainedKey {
  readonly key: string
  /** Without keys and passwords; null: not set. */
  readonly value: unknown
  readonly origin: Origin
  readonly class: ReloadClass
}

/** A text or `null` above the key says the key too: `listen: 127.0.0.1:1935`. */
const isGiven = (input: ConfigInput, path: readonly string[]): boolean =>
  path.some((_key, depth) => {
    const value = valueAt(input, path.slice(0, depth + 1))
    const isTable = typeof value === 'object' && value !== null && !Array.isArray(value)
    return value !== undefined && (!isTable || depth === path.length - 1)
  })

const originOf = ({ file, flags }: ConfigLayers, path: readonly string[]): Origin => {
  if (isGiven(flags, path)) return 'flag'
  return isGiven(file, path) ? 'file' : 'default'
}

export const explainConfig = (
  config: Config,
  layers: ConfigLayers,
  adapters: readonly Adapter<unknown>[],
): readonly ExplainedKey[] => {
  const classes = reloadClasses(adapters)
  return leaves(config, adapters).map(({ path, value }) => {
    const unit = classifiedKey(classes, path) ?? ''
    const kind = classes.get(unit) ?? 'restart'
    return { key: path.join('.'), value: shown(value), origin: originOf(layers, path), class: kind }
  })
}
