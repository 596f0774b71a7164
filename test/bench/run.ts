/** `npm run -s bench -- NAME [--option value]… [--json]`: runs one bench file, prints a table or one JSON object a row. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Bench, Row } from './bench.ts'

const support = new Set(['run.ts', 'bench.ts'])
const names = readdirSync(import.meta.dirname)
  .filter(
    file =>
      file.endsWith('.ts') && !file.includes('.test.') && !file.includes('-child') && !support.has(file),
  )
  .map(file => file.slice(0, -3))

const usage = `usage: npm run -s bench -- ${names.join('|')} [--viewers N] [--players N] [--streams N] [--seconds N] [--times N] [--rate N] [--warm-up SECONDS] [--json]`

const readArguments = () =>
  parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      viewers: { type: 'string' },
      players: { type: 'string' },
      streams: { type: 'string' },
      seconds: { type: 'string' },
      times: { type: 'string' },
      rate: { type: 'string' },
      'warm-up': { type: 'string' },
    },
  })

const format = (value: string | number): string =>
  typeof value === 'number' ? value.toLocaleString('en', { maximumFractionDigits: 2 }) : value

const printTable = (rows: readonly Row[]): void => {
  const columns = [...new Set(rows.flatMap(row => Object.keys(row)))]
  const lines = [columns, ...rows.map(row => columns.map(column => format(row[column] ?? '')))]
  const widths = columns.map((_, index) => Math.max(...lines.map(line => line[index]!.length)))
  for (const line of lines) console.log(line.map((cell, index) => cell.padStart(widths[index]!)).join('  '))
}

const main = async (): Promise<void> => {
  const { values, positionals } = readArguments()
  const { json, ...rest } = values
  const file = join(import.meta.dirname, `${positionals[0]}.ts`)
  if (!names.includes(positionals[0] ?? '') || !existsSync(file)) throw new Error(usage)
  const { bench } = (await import(file)) as { readonly bench: Bench }
  const rows = await bench(new Map(Object.entries(rest).filter(entry => entry[1] !== undefined)))
  if (json) for (const row of rows) console.log(JSON.stringify(row))
  else printTable(rows)
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
