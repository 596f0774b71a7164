/** Says in sentences what a schema found wrong, with the key that was probably meant. */
import type { core } from 'zod'
import { nearest } from './nearest.ts'

type Shape = Readonly<Record<string, unknown>>
interface Definition {
  readonly innerType?: unknown
  /** What a preprocessed value is given to. */
  readonly out?: unknown
  readonly element?: unknown
  readonly options?: readonly unknown[]
  readonly shape?: Shape
}

const definition = (schema: unknown): Definition | undefined =>
  (schema as { _zod?: { def?: Definition } } | undefined)?._zod?.def

/** Looks through defaults and optionals to the keys of an object schema. */
const shapeOf = (schema: unknown): Shape | undefined => {
  const def = definition(schema)
  const inner = def?.innerType ?? def?.out
  return def?.shape ?? (inner === undefined ? undefined : shapeOf(inner))
}

const elementOf = (schema: unknown): unknown => {
  const def = definition(schema)
  const inner = def?.innerType ?? def?.out
  return def?.element ?? (inner === undefined ? undefined : elementOf(inner))
}

/** What stands for a section that is not given. */
export const emptyOf = (schema: unknown): object => (elementOf(schema) === undefined ? {} : [])

/** The keys that an object schema, or the one at `path` within it, knows. */
export const knownKeys = (schema: unknown, path: readonly PropertyKey[] = []): readonly string[] => {
  const at = path.reduce<unknown>(
    (inner, key) => (typeof key === 'number' ? elementOf(inner) : shapeOf(inner)?.[String(key)]),
    schema,
  )
  return Object.keys(shapeOf(at) ?? {})
}

const advice = (key: string, known: readonly string[]): string => {
  const meant = nearest(key, known)
  if (meant !== undefined) return `: did you mean ${meant}?`
  return known.length > 0 ? `: known here are ${known.join(', ')}` : ''
}

const branches = (issue: core.$ZodIssue): string =>
  issue.code === 'invalid_union'
    ? [...new Set(issue.errors.flat().map(({ message }) => message))].join(', or ')
    : issue.message

/** `unknown key rtmp.prot: did you mean port?` */
export const unknownKey = (path: readonly PropertyKey[], key: string, known: readonly string[]): string =>
  `unknown key ${[...path, key].join('.')}${advice(key, known)}`

/** One sentence for each issue that `schema` had with the section at `root` (empty for the whole). */
export const problemsOf = (
  schema: unknown,
  issues: readonly core.$ZodIssue[],
  root: readonly string[],
): readonly string[] =>
  issues.flatMap(issue => {
    const path = [...root, ...issue.path]
    return issue.code === 'unrecognized_keys'
      ? issue.keys.map(key => unknownKey(path, key, knownKeys(schema, issue.path)))
      : [`${path.join('.') || 'the configuration'}: ${branches(issue)}`]
  })
