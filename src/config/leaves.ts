/** A configuration as a flat list of keys and values. */
import type { Adapter } from '../adapters/adapter.ts'
import type { Config } from './config.ts'
import { knownKeys } from './problems.ts'
import { sections } from './schema.ts'

export interface Leaf {
  readonly path: readonly string[]
  readonly value: unknown
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** As deep as the schema names keys; what is a list or a table of the user's own names is one value. */
const leavesOf = (
  schema: unknown,
  value: unknown,
  path: readonly string[],
  root: number,
): readonly Leaf[] => {
  const keys = knownKeys(schema, path.slice(root))
  if (keys.length === 0 || !isObject(value)) return [{ path, value }]
  return keys.flatMap(key => leavesOf(schema, value[key], [...path, key], root))
}

const schemasOf = (adapters: readonly Adapter<unknown>[]): readonly (readonly [string, unknown])[] => [
  ...Object.entries(sections),
  ...adapters.map(({ name, config }) => [name, config] as const),
]

export const sectionOf = (config: Config, name: string): unknown =>
  name in sections ? config[name as keyof typeof sections] : config.adapters.get(name)

export const leaves = (config: Config, adapters: readonly Adapter<unknown>[]): readonly Leaf[] =>
  schemasOf(adapters).flatMap(([name, schema]) => leavesOf(schema, sectionOf(config, name), [name], 1))

/** What stands at a path; undefined where the way there ends before. */
export const valueAt = (root: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), root)
