/**
 * The files of the page. In a checkout its TypeScript is stripped here, when first asked for: the compiler takes 10 MB
 * of a gateway that nobody may look at. The package holds it compiled, with the UI library beside it.
 */
import { readdir, readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Asset {
  readonly type: string
  readonly body: string
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.js': 'text/javascript; charset=utf-8',
  '.ts': 'text/javascript; charset=utf-8',
}
const folder = join(import.meta.dirname, 'page')

/** What the page imports by name, and the file that it is served as; build.js puts these into the package. */
const libraries: Readonly<Record<string, string>> = {
  preact: 'preact.js',
  'preact/hooks': 'preact-hooks.js',
}

/** Node warns once that the function is experimental; users of the page can do nothing about that. */
const strip = (source: string): string => {
  const { emitWarning } = process
  process.emitWarning = () => undefined
  try {
    return stripTypeScriptTypes(source)
  } finally {
    process.emitWarning = emitWarning
  }
}

/** Browsers know no package names, and an import map would have to be inline, which the page's policy forbids. */
const withPaths = (source: string): string =>
  source.replace(/(\bfrom\s*)(["'])(preact(?:\/hooks)?)\2/g, (_, from: string, quote: string, name: string) =>
    [from, quote, '/assets/', libraries[name], quote].join(''),
  )

const madeOnce = (type: string, make: () => string): Asset => {
  let body: string | undefined
  return {
    type,
    get body() {
      body ??= make()
      return body
    },
  }
}

const read = async (name: string, compiled: boolean): Promise<Asset> => {
  const text = await readFile(join(folder, name), 'utf8')
  const type = types[extname(name)]!
  if (name.endsWith('.ts')) return madeOnce(type, () => withPaths(strip(text)))
  if (name.endsWith('.js')) return madeOnce(type, () => withPaths(text))
  return { type, body: compiled ? text.replace('/assets/main.ts', '/assets/main.js') : text }
}

/** As installed, for the page of a checkout. */
const readLibraries = (): Promise<readonly (readonly [name: string, asset: Asset])[]> =>
  Promise.all(
    Object.entries(libraries).map(async ([specifier, name]) => {
      const text = await readFile(fileURLToPath(import.meta.resolve(specifier)), 'utf8')
      return [name, madeOnce(types['.js']!, () => withPaths(text))] as const
    }),
  )

/** Everything the page consists of, by file name, read once. */
export const readAssets = async (): Promise<ReadonlyMap<string, Asset>> => {
  const files = await readdir(folder)
  const names = files.filter(name => types[extname(name)] !== undefined && !name.endsWith('.d.ts'))
  const compiled = names.includes('main.js')
  const own = await Promise.all(names.map(async name => [name, await read(name, compiled)] as const))
  return new Map([...own, ...(compiled ? [] : await readLibraries())])
}
