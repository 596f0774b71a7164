/** What a command of the command line is, before and after it is needed. */
import type { Command } from 'commander'

/** Told the exit code of the process once the command is done. */
export type Finish = (code: number) => void

/** Adds arguments, options, help and the action of one command. */
export type Define = (command: Command, finish: Finish) => void

/** Its code is read only when it is the one that was asked for. */
export interface CommandEntry {
  readonly name: string
  readonly summary: string
  readonly group: string
  load(): Promise<{ readonly define: Define }>
}

/** The last part of a command's help; `lines` are what one would type. */
export const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map(line => `  crosspoint ${line}`).join('\n')}\n`
