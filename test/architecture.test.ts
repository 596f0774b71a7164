/** The rules of the tree as a test: layers, no import cycle (type imports included), adapters apart from each other. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', 'src')

/** Folder or file at the top of src to its layer. A lower layer never imports a higher one. */
const layers: Record<string, number> = {
  'errors.ts': 0,
  media: 0,
  core: 1,
  native: 1,
  net: 1,
  'rtp-session': 2,
  'flv-session': 2,
  transcode: 2,
  mix: 2,
  record: 2,
  tls: 2,
  rooms: 2,
  adapters: 3,
  'gateway.ts': 5,
  'operations.ts': 5,
  access: 4,
  bridges: 4,
  calls: 4,
  events: 4,
  hooks: 4,
  restream: 4,
  config: 4,
  jobs: 4,
  recordings: 4,
  slate: 4,
  snapshot: 4,
  sources: 4,
  observe: 4,
  'index.ts': 5,
  http: 5,
  cli: 5,
  web: 5,
}

const files = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile() && /\.tsx?$/.test(entry.name))
  .map(entry => relative(root, join(entry.parentPath, entry.name)))

const withoutComments = (source: string): string =>
  source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
const importPattern = /(?:\bfrom\s*|\bimport\s*\(?\s*)['"](\.{1,2}\/[^'"]+)['"]/g
const importsOf = (file: string): string[] =>
  [...withoutComments(readFileSync(join(root, file), 'utf8')).matchAll(importPattern)].map(match =>
    normalize(join(dirname(file), match[1]!)),
  )
const graph = new Map(files.map(file => [file, importsOf(file)]))
const top = (file: string): string => file.split('/')[0]!
const edges = [...graph].flatMap(([from, targets]) => targets.map(to => [from, to] as const))

const findCycle = (): string[] | undefined => {
  const state = new Map<string, 'open' | 'done'>()
  const path: string[] = []
  const visit = (file: string): string[] | undefined => {
    if (state.get(file) === 'done') return undefined
    if (state.get(file) === 'open') return [...path.slice(path.indexOf(file)), file]
    state.set(file, 'open')
    path.push(file)
    for (const next of graph.get(file) ?? []) {
      const cycle = visit(next)
      if (cycle !== undefined) return cycle
    }
    path.pop()
    state.set(file, 'done')
    return undefined
  }
  for (const file of files) {
    const cycle = visit(file)
    if (cycle !== undefined) return cycle
  }
  return undefined
}

describe('architecture', () => {
  test('every top-level folder has a layer', () => {
    expect(files.map(top).filter(name => layers[name] === undefined)).toEqual([])
  })

  test('every relative import names a file of src', () => {
    expect(edges.filter(([, to]) => !graph.has(to)).map(([from, to]) => `${from} → ${to}`)).toEqual([])
  })

  test('a lower layer never imports a higher one', () => {
    const wrong = edges.filter(([from, to]) => layers[top(from)]! < layers[top(to)]!)
    expect(wrong.map(([from, to]) => `${from} → ${to}`)).toEqual([])
  })

  test('modules of layer 2 do not import each other', () => {
    const wrong = edges.filter(
      ([from, to]) => layers[top(from)] === 2 && layers[top(to)] === 2 && top(from) !== top(to),
    )
    expect(wrong.map(([from, to]) => `${from} → ${to}`)).toEqual([])
  })

  test('adapters never import each other', () => {
    const adapter = (file: string): string | undefined => /^adapters\/([^/]+)\//.exec(file)?.[1]
    const wrong = edges.filter(([from, to]) => {
      const [a, b] = [adapter(from), adapter(to)]
      return a !== undefined && b !== undefined && a !== b
    })
    expect(wrong.map(([from, to]) => `${from} → ${to}`)).toEqual([])
  })

  test('fluent-ffmpeg has one door', () => {
    const users = files.filter(file => /from 'fluent-ffmpeg'/.test(readFileSync(join(root, file), 'utf8')))
    expect(users).toEqual(['jobs/file-tool.ts'])
  })

  test('there is no import cycle, type imports included', () => {
    expect(findCycle()).toBeUndefined()
  })

  test('files stay readable: at most 300 lines', () => {
    const long = files.filter(file => readFileSync(join(root, file), 'utf8').split('\n').length > 301)
    expect(long.filter(file => !/tables?\.ts$/.test(file))).toEqual([])
  })
})
