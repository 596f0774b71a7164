/** `crosspoint top`: streams, readers and destinations, drawn anew every second. */
import { stripVTControlCharacters } from 'node:util'
import type { BridgeView } from '../http/schemas/bridge.ts'
import type { StreamView } from '../http/schemas/stream.ts'
import { type Api, type ApiFlags, addApiFlags, createApi } from './api-client.ts'
import { bridgeRows, bridgesHead } from './bridges.ts'
import { type Define, examples } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { columns, print, printJson, strong } from './print.ts'
import { untilStopped } from './signals.ts'
import { sourceBitRate, streamRow, streamsHead } from './streams.ts'
import { age, bitRate, byteCount, drops } from './words.ts'

interface TopFlags extends ApiFlags {
  readonly once?: boolean
}
interface Overview {
  readonly streams: readonly StreamView[]
  readonly bridges: readonly BridgeView[]
}

const periodMs = 1000

const read = async (api: Api): Promise<Overview> => {
  const [{ streams }, { bridges }] = await Promise.all([
    api.get<{ streams: StreamView[] }>('/v1/streams'),
    api.get<{ bridges: BridgeView[] }>('/v1/bridges'),
  ])
  return { streams, bridges: bridges.filter(({ state }) => state !== 'ended') }
}

const readerHead = ['READER', 'OF', 'SINCE', 'SENT', 'LATENCY', 'DROPPED']
const readerRows = ({ name, subscribers = [] }: StreamView): string[][] =>
  subscribers.map(({ label, since, stats }) => [
    ...[label, name, age(since), byteCount(stats.bytes)],
    stats.latencyMs === undefined ? '–' : `${stats.latencyMs.toFixed(2)} ms`,
    drops(stats.dropped, stats.droppedBy) ?? '0',
  ])

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => {
  if (rows.length === 0) return []
  const [first = '', ...rest] = columns([head, ...rows]).split('\n')
  return ['', strong(first), ...rest]
}

const draw = ({ base }: Api, { streams, bridges }: Overview): string[] => {
  const readers = streams.reduce((sum, { viewers }) => sum + viewers, 0)
  const incoming = streams.reduce((sum, stream) => sum + sourceBitRate(stream), 0)
  const clock = new Date().toTimeString().slice(0, 8)
  return [
    `${clock}  ${base}  ${streams.length} streams, ${bitRate(incoming)} in, ${readers} readers, ${bridges.length} bridges`,
    ...table(streamsHead, streams.map(streamRow)),
    ...table(readerHead, streams.flatMap(readerRows)),
    ...table(bridgesHead, bridges.flatMap(bridgeRows)),
  ]
}

const enterScreen = '\x1b[?1049h\x1b[?25l'
const leaveScreen = '\x1b[?25h\x1b[?1049l'
const home = '\x1b[H'
const clearLine = '\x1b[K'
const clearBelow = '\x1b[J'

/** What does not fit the terminal is cut off; a cut line loses its emphasis. */
const cut = (line: string, width: number): string => {
  const plain = stripVTControlCharacters(line)
  return plain.length <= width ? line : plain.slice(0, width)
}

const redraw = (lines: readonly string[]): void => {
  // A terminal that does not know its size says 0.
  const [width, height] = [process.stdout.columns || 80, process.stdout.rows || 24]
  const shown = lines.slice(0, height - 1).map(line => cut(line, width) + clearLine)
  process.stdout.write(home + shown.join('\n') + clearBelow)
}

const show = async (api: Api, { json, once }: TopFlags): Promise<void> => {
  const overview = await read(api)
  if (json) printJson(overview)
  else if (process.stdout.isTTY && !once) redraw(draw(api, overview))
  else print(`${draw(api, overview).join('\n')}${once ? '' : '\n'}`)
}

const second = (): Promise<undefined> => new Promise(resolve => setTimeout(resolve, periodMs, undefined))

const top = async (flags: TopFlags): Promise<void> => {
  const api = createApi(flags)
  if (flags.once) return await show(api, flags)
  const stopped = untilStopped()
  const screen = process.stdout.isTTY && !flags.json
  if (screen) process.stdout.write(enterScreen)
  try {
    do await show(api, flags)
    while ((await Promise.race([stopped, second()])) === undefined)
  } finally {
    if (screen) process.stdout.write(leaveScreen)
  }
}

export const define: Define = (command, finish) => {
  addApiFlags(command)
    .option('--once', 'one look')
    .option('--json', 'one JSON object each second')
    .addHelpText('after', examples('top', 'top --once --json'))
    .action(async (flags: TopFlags) => {
      await top(flags)
      finish(EXIT.ok)
    })
}
