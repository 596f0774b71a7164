import { pino } from 'pino'
import type { Logger } from '../adapters/adapter.ts'
import type { SharedConfig } from '../config/schema.ts'
import { maskUrls } from './mask-urls.ts'
import { prettyLine } from './pretty-line.ts'

/** Where log lines go; `process.stderr` is one. */
export interface LogStream {
  readonly isTTY?: boolean
  write(text: string): unknown
}

type LogConfig = SharedConfig['log']
const ranks = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 } as const

/** The level is looked up at each line, so that it can be changed while loggers made before are in use. */
const gate = (config: LogConfig, out: Logger): Logger => {
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error'): Logger[typeof level] =>
    (fields, message) => {
      if (ranks[level] >= ranks[config.level]) out[level](fields, message)
    }
  return {
    child: bindings => gate(config, out.child(bindings)),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  }
}

/** The gateway's log: JSON lines, or lines for people on a terminal. Credentials in URLs never reach it. */
export const createLogger = (config: LogConfig, out: LogStream = process.stderr): Logger => {
  const color = out.isTTY === true && process.env.NO_COLOR === undefined
  const pretty = config.format === 'pretty' || (config.format === 'auto' && out.isTTY === true)
  const options = { level: 'debug', base: null, formatters: { level: (level: string) => ({ level }) } }
  const lines: Logger = pino(options, {
    write: (line: string) => {
      const masked = maskUrls(line)
      out.write(pretty ? prettyLine(masked, color) : masked)
    },
  })
  return gate(config, lines)
}
