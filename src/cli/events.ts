/** `crosspoint events`: what happens in a running gateway, one line each. */
import { InvalidArgumentError } from 'commander'
import { GatewayError } from '../errors.ts'
import type { GatewayEvent } from '../events/event.ts'
import { type Api, type ApiFlags, addApiFlags, createApi } from './api-client.ts'
import { type Define, examples } from './command.ts'
import { readServerEvents, type ServerEvent } from './event-reader.ts'
import { EXIT } from './exit-codes.ts'
import { print } from './print.ts'
import { untilStopped } from './signals.ts'

interface EventFlags extends ApiFlags {
  readonly stream?: string
  readonly type?: string
  readonly recent?: number
}

const parseCount = (text: string): number => {
  if (!/^\d{1,4}$/.test(text) || Number(text) > 1000)
    throw new InvalidArgumentError('It is a number from 0 to 1000.')
  return Number(text)
}

const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** `12:30:01 stream:closed live/cam the publisher left  code=unpublished` */
const eventLine = ({ time, type, stream, reason, code, data = {} }: GatewayEvent): string => {
  const clock = new Date(time).toTimeString().slice(0, 8)
  const details = Object.entries({ ...(code !== undefined && { code }), ...data }).map(
    ([name, value]) => `${name}=${shown(value)}`,
  )
  const words = [clock, type.padEnd(18), stream, reason, details.join(' ')]
  return words.filter(word => word !== undefined && word !== '').join(' ')
}

const printEvent = ({ type, data }: ServerEvent, json: boolean): void => {
  if (json) print(data)
  else if (type === 'events:missed') print('(some events were missed)')
  else print(eventLine(JSON.parse(data) as GatewayEvent))
}

const query = ({ stream, type, recent }: EventFlags): string => {
  const given = Object.entries({ stream, type, recent }).filter(([, value]) => value !== undefined)
  return given.length === 0
    ? ''
    : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`
}

const readAll = async (api: Api, flags: EventFlags, signal: AbortSignal): Promise<void> => {
  const { body } = await api.open(`/v1/events${query(flags)}`, { signal })
  if (body === null) throw new GatewayError('connection-lost', `${api.base} sends no events`)
  for await (const event of readServerEvents(body)) printEvent(event, flags.json === true)
}

/** Ends by Ctrl-C; that the gateway ends is a failure. */
const events = async (flags: EventFlags): Promise<number> => {
  const api = createApi(flags)
  const stop = new AbortController()
  void untilStopped().then(() => stop.abort())
  try {
    await readAll(api, flags, stop.signal)
  } catch (error) {
    if (stop.signal.aborted) return EXIT.ok
    if (error instanceof GatewayError) throw error
    throw new GatewayError('connection-lost', `to ${api.base}`, { cause: error })
  }
  throw new GatewayError('connection-lost', `${api.base} has ended the events`)
}

export const define: Define = (command, finish) => {
  addApiFlags(command)
    .option('--stream <name>', 'of this stream only; a beginning and * stand for several')
    .option('--type <types>', 'these only, separated by commas: stream:ready, leg:*')
    .option('--recent <count>', 'so many of the last ones first', parseCount)
    .option('--json', 'one JSON object a line')
    .addHelpText('after', examples('events --recent 20', "events --type 'stream:*' --stream 'live/*' --json"))
    .action(async (flags: EventFlags) => finish(await events(flags)))
}
