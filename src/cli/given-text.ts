/** Keys and tokens need not stand on the command line, which everybody on the machine may read. */
import { readFileSync } from 'node:fs'
import { GatewayError } from '../errors.ts'

const fromFile = (file: string | 0, name: string): string => {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new GatewayError('bad-request', `${name}: ${(error as Error).message}`, { cause: error })
  }
}

const readSource = (source: string): string => {
  if (source === '-') return fromFile(0, 'stdin')
  const [, kind, place = ''] = /^(env|file):(.*)$/s.exec(source) ?? []
  return kind === 'env' ? (process.env[place]?.trim() ?? '') : fromFile(place, place)
}

/**
 * `env:NAME`, `file:PATH` and `-` (stdin) stand for what is found there, also behind `youtube:` and its like.
 * @throws GatewayError 'bad-request' when nothing is there
 */
export const givenText = (text: string): string => {
  const [, prefix = '', source] = /^((?:[a-z]+:)??)(env:.+|file:.+|-)$/s.exec(text) ?? []
  if (source === undefined) return text
  const found = readSource(source)
  if (found !== '') return prefix + found
  throw new GatewayError('bad-request', `nothing stands in ${source === '-' ? 'stdin' : source}`)
}
