/** The command line. Every command resolves to an exit code; what it throws is told in one sentence. */
import { CommanderError } from 'commander'
import { toGatewayError } from '../errors.ts'
import { maskUrls } from '../observe/mask-urls.ts'
import { commands } from './commands.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { createProgram } from './program.ts'

const usageCode = ({ exitCode }: CommanderError): number => (exitCode === 0 ? EXIT.ok : EXIT.usage)

/** The first word that is one: `crosspoint help serve` needs it too. */
const commandIn = (argv: readonly string[]): string | undefined =>
  argv.slice(2).find(word => commands.some(({ name }) => name === word))

/** Nobody reads on (`crosspoint events | head`): it ends as if it had been told to, without a trace. */
const endWithReader = (): void => {
  process.stdout.once('error', error => {
    process.stdout.on('error', () => undefined)
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
    process.kill(process.pid, 'SIGTERM')
  })
}

/** Runs one command line and resolves to the exit code of the process. */
export const main = async (argv: readonly string[]): Promise<number> => {
  let code: number = EXIT.ok
  const finish = (result: number): void => {
    code = result
  }
  const wanted = commandIn(argv)
  endWithReader()
  try {
    const program = await createProgram(finish, name => name === wanted || wanted === 'completion')
    await program.parseAsync(argv)
    return code
  } catch (thrown) {
    // Commander has said its sentence already.
    if (thrown instanceof CommanderError) return usageCode(thrown)
    process.stderr.write(`crosspoint: ${maskUrls(toGatewayError(thrown).message)}\n`)
    return exitCodeOf(thrown)
  }
}
