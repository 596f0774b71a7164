/** What commands say on stdout: plain lines and aligned columns. The log goes to stderr. */
import { styleText } from 'node:util'

export const print = (line = ''): void => void process.stdout.write(`${line}\n`)
export const printJson = (value: unknown): void => print(JSON.stringify(value))

/** Bold on a terminal, plain in a pipe. */
export const strong = (text: string): string => styleText('bold', text, { stream: process.stdout })

/** The last column is not padded. */
export const columns = (rows: readonly (readonly string[])[], indent = ''): string => {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, i) => Math.max(widest[i] ?? 0, cell.length)),
    [],
  )
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('  ')
  return rows.map(row => indent + line(row).trimEnd()).join('\n')
}
