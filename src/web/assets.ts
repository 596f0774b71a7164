/**
 * The files of the page. In a checkout its TypeScript is stripped here, when first asked for: the compiler takes 10 MB
 * of a gateway that nobody may look at. The package holds it compiled.
 */
import { readdir, readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { extname, join } from 'node:path'

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

const stripped = (type: string, source: string): Asset => {
  let body: string | undefined
  return {
    type,
    get body() {
      body ??= strip(source)
      return body
    },
  }
}

const read = async (name: string, compiled: boolean): Promise<Asset> => {
  const text = await readFile(join(folder, name), 'utf8')
  const type = types[extname(name)]!
  if (name.endsWith('.ts')) return stripped(type, text)
  return { type, body: compiled ? text.replace('/assets/main.ts', '/assets/main.js') : text }
}

/** Everything the page consists of, by file name, read once. */
export const readAssets = async (): Promise<ReadonlyMap<string, Asset>> => {
  const files = await readdir(folder)
  const names = files.filter(name => types[extname(name)] !== undefined && !name.endsWith('.d.ts'))
  const compiled = names.includes('main.js')
  return new Map(await Promise.all(names.map(async name => [name, await read(name, compiled)] as const)))
}
