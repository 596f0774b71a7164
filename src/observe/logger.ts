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

/** The gateway's log: JSON lines, or lines for people on a terminal. Credentials in URLs never reach it. */
export const createLogger = (config: SharedConfig['log'], out: LogStream = process.stderr): Logger => {
  const color = out.isTTY === true && process.env.NO_COLOR === undefined
  const pretty = config.format === 'pretty' || (config.format === 'auto' && out.isTTY === true)
  const options = { level: config.level, base: null, formatters: { level: (level: string) => ({ level }) } }
  return pino(options, {
    write: (line: string) => {
      const masked = maskUrls(line)
      out.write(pretty ? prettyLine(masked, color) : masked)
    },
  })
}
