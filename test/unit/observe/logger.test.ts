import { expect, test } from 'vitest'
import { createLogger } from '../../../src/observe/logger.ts'

test('a changed level holds for loggers made before', () => {
  const lines: string[] = []
  const config: { level: 'debug' | 'info' | 'warn' | 'error' | 'silent'; format: 'json' } = {
    level: 'warn',
    format: 'json',
  }
  const child = createLogger(config, { write: line => lines.push(line) }).child({ part: 'core' })
  const say = (): void => {
    for (const level of ['debug', 'info', 'warn', 'error'] as const) child[level]({}, level)
  }
  const said = (): string[] => lines.splice(0).map(line => JSON.parse(line).msg)
  say()
  expect(said()).toEqual(['warn', 'error'])
  config.level = 'debug'
  say()
  expect(lines.map(line => JSON.parse(line).part)).toEqual(['core', 'core', 'core', 'core'])
  expect(said()).toEqual(['debug', 'info', 'warn', 'error'])
  config.level = 'silent'
  say()
  expect(said()).toEqual([])
})
