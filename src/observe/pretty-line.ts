/** Turns one JSON log line into a line for people: time, level, who, sentence, fields. */
import { styleText } from 'node:util'

const levels = {
  debug: ['gray', 'debug'],
  info: ['green', 'info '],
  warn: ['yellow', 'warn '],
  error: ['red', 'error'],
} as const

const shown = (value: unknown): string => {
  if (typeof value === 'string') return /[\s=]/.test(value) ? JSON.stringify(value) : value
  const message = (value as { message?: unknown } | null)?.message
  return typeof message === 'string' ? JSON.stringify(message) : JSON.stringify(value)
}

/** `color: false` leaves the escape sequences out. */
export const prettyLine = (line: string, color: boolean): string => {
  const { level, time, msg, part, ...fields } = JSON.parse(line) as Record<string, unknown>
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    color ? styleText(style, text, { validateStream: false }) : text
  const [style, label] = levels[level as keyof typeof levels] ?? levels.info
  const clock = new Date(Number(time)).toTimeString().slice(0, 8)
  const details = Object.entries(fields).map(([name, value]) => paint('dim', `${name}=${shown(value)}`))
  const words = [
    paint('dim', clock),
    paint(style, label),
    part === undefined ? '' : paint('cyan', String(part)),
    msg,
  ]
  return `${[...words.filter(word => word !== '' && word !== undefined), ...details].join(' ')}\n`
}
