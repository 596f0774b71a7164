/** What a file source is asked for. */
import { fileURLToPath } from 'node:url'
import { GatewayError } from '../../errors.ts'

export interface FileSource {
  readonly path: string
  /** How often the file plays; Infinity for ever. */
  readonly plays: number
  /** Milliseconds from the beginning at which the first pass starts, at the key frame before it. */
  readonly startMs: number
  /** false: as fast as its readers take it. */
  readonly realtime: boolean
}

const OPTIONS = ['loop', 'start', 'pace']

const readLoop = (text: string | null): number => {
  if (text === null || text === 'false' || text === '0') return 1
  if (text === '' || text === 'true') return Number.POSITIVE_INFINITY
  const plays = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (plays === 0) throw new GatewayError('bad-url', 'loop is true, false or how often the file plays')
  return plays
}

const readStart = (text: string | null): number => {
  if (text === null) return 0
  if (!/^\d{1,9}(\.\d{1,3})?$/.test(text)) throw new GatewayError('bad-url', 'start is a number of seconds')
  return Math.round(Number(text) * 1000)
}

const readPace = (text: string | null): boolean => {
  if (text === null || text === 'realtime') return true
  if (text !== 'none') throw new GatewayError('bad-url', 'pace is realtime or none')
  return false
}

/**
 * Reads `file:///clip.flv?loop=true&start=12.5&pace=none`; the options may also have been taken for part of
 * the name.
 * @throws GatewayError 'bad-url' that names the option
 */
export const parseFileSource = (url: URL): FileSource => {
  const [, path = '', tail] = /^(.*\.flv)(?:\?(.*))?$/is.exec(fileURLToPath(url)) ?? []
  if (path === '') throw new GatewayError('bad-url', 'an FLV source ends in .flv')
  const query = new URLSearchParams(tail ?? url.search)
  for (const name of query.keys()) {
    if (!OPTIONS.includes(name)) {
      throw new GatewayError('bad-url', `there is no option ${name}; known are ${OPTIONS.join(', ')}`)
    }
  }
  return {
    path,
    plays: readLoop(query.get('loop')),
    startMs: readStart(query.get('start')),
    realtime: readPace(query.get('pace')),
  }
}
