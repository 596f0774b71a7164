import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import type { core } from 'zod'
import type { Adapter, ConfigSchema } from '../adapters/adapter.ts'
import { adapters as allAdapters } from '../adapters/index.ts'
import { GatewayError } from '../errors.ts'
import { parseAddress } from './address.ts'
import { emptyOf, problemsOf, unknownKey } from './problems.ts'
import { type SharedConfig, type SharedInput, sections } from './schema.ts'

/** The whole configuration, validated, with every default filled in. */
export interface Config extends SharedConfig {
  /** The section of each adapter, by its name, as its own schema made it. */
  readonly adapters: ReadonlyMap<string, unknown>
}

/** What a YAML file or a caller of the library may give: any part of it, adapters' sections by their names. */
export type ConfigInput = SharedInput & { readonly [adapter: string]: unknown }

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `listen: HOST:PORT` is taken apart here, for every section and what is within it alike. */
const splitListen = (input: unknown): unknown => {
  if (Array.isArray(input)) return input.map(splitListen)
  if (!isObject(input)) return input
  const split = ([key, value]: [string, unknown]): [string, unknown] =>
    key === 'listen' && typeof value === 'string' ? [key, parseAddress(value)] : [key, splitListen(value)]
  return Object.fromEntries(Object.entries(input).map(split))
}

const problemsIn = (error: unknown, name: string, schema: unknown): readonly string[] => {
  if (error instanceof RangeError) return [`${name}.listen: ${error.message}`]
  const issues = (error as { issues?: readonly core.$ZodIssue[] }).issues
  return issues === undefined ? [`${name}: ${(error as Error).message}`] : problemsOf(schema, issues, [name])
}

const parseSection = (
  name: string,
  schema: ConfigSchema<unknown>,
  input: unknown,
  problems: string[],
): unknown => {
  try {
    return schema.parse(splitListen(input ?? emptyOf(schema)))
  } catch (error) {
    problems.push(...problemsIn(error, name, schema))
    return undefined
  }
}

/**
 * Validates a configuration and fills in the defaults.
 * @throws GatewayError `bad-config` that names every wrong or unknown key.
 */
export const parseConfig = (
  input: unknown = {},
  adapters: readonly Adapter<unknown>[] = allAdapters,
): Config => {
  if (!isObject(input)) throw new GatewayError('bad-config', 'it must hold sections such as "http:"')
  const schemas = new Map<string, ConfigSchema<unknown>>([
    ...Object.entries(sections),
    ...adapters.map(adapter => [adapter.name, adapter.config] as const),
  ])
  const known = [...schemas.keys()]
  const problems = Object.keys(input)
    .filter(key => !schemas.has(key))
    .map(key => unknownKey([], key, known))
  const parsed = new Map(
    [...schemas].map(([name, schema]) => [name, parseSection(name, schema, input[name], problems)] as const),
  )
  if (problems.length > 0) throw new GatewayError('bad-config', problems.join('; '))
  const shared = Object.fromEntries(Object.keys(sections).map(name => [name, parsed.get(name)]))
  return {
    ...(shared as unknown as SharedConfig),
    adapters: new Map(adapters.map(({ name }) => [name, parsed.get(name)])),
  }
}

/**
 * Reads a YAML file into what `parseConfig` takes. An empty file is an empty configuration.
 * @throws GatewayError `bad-config` when it cannot be read or is not YAML, with the line and column.
 */
export const readConfigFile = async (path: string): Promise<ConfigInput> => {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new GatewayError('bad-config', (error as Error).message, { cause: error })
  })
  let value: unknown
  try {
    value = parse(text) ?? {}
  } catch (error) {
    throw new GatewayError('bad-config', `${path}: ${(error as Error).message.split('\n')[0]}`, {
      cause: error,
    })
  }
  if (!isObject(value)) throw new GatewayError('bad-config', `${path}: it must hold sections such as "http:"`)
  return value as ConfigInput
}

/** Lays `over` upon `under`, section by section: what a flag says wins over the file. */
export const mergeConfig = (under: ConfigInput, over: ConfigInput): ConfigInput => {
  const merged: Record<string, unknown> = { ...under }
  for (const [name, section] of Object.entries(over)) {
    const below = merged[name]
    merged[name] = isObject(below) && isObject(section) ? { ...below, ...section } : section
  }
  return merged as ConfigInput
}
