/** The tree of commands, of which only those that are needed are read from the disk. */
import { Command } from 'commander'
import { packageVersion } from '../observe/version.ts'
import type { Finish } from './command.ts'
import { commands } from './commands.ts'
import { EXIT_MEANINGS } from './exit-codes.ts'
import { columns } from './print.ts'

const codesHelp = `
Exit codes:
${columns(
  EXIT_MEANINGS.map(([code, meaning]) => [String(code), meaning]),
  '  ',
)}`

/** `isNeeded` names the commands that get their arguments, options and action; the others are known by name alone. */
export const createProgram = async (
  finish: Finish,
  isNeeded: (name: string) => boolean,
): Promise<Command> => {
  const program = new Command('crosspoint')
    .description('Joins any live source to any live destination: RTMP, WebRTC, FLV, RTP, SIP.')
    .version(packageVersion())
    .exitOverride()
    // What follows the name of a command is that command's.
    .enablePositionalOptions()
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('afterAll', codesHelp)
  for (const { name, summary, group, load } of commands) {
    const command = program.command(name).description(summary).helpGroup(group)
    if (isNeeded(name)) (await load()).define(command, finish)
  }
  return program
}
