/** The command line. Every command resolves to an exit code; what it throws is told in one sentence. */
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { toGatewayError } from '../errors.ts'
import { maskUrls } from '../observe/mask-urls.ts'
import { printAdapters } from './adapters.ts'
import { bridge } from './bridge.ts'
import { demo } from './demo.ts'
import { EXIT, EXIT_MEANINGS, exitCodeOf } from './exit-codes.ts'
import { addFlags, parseSeconds } from './flags.ts'
import { columns } from './print.ts'
import { serve } from './serve.ts'
import { addTokenCommand } from './token.ts'

const packageFile = new URL('../../package.json', import.meta.url)
const version = (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version

const codesHelp = `
Exit codes:
${columns(
  EXIT_MEANINGS.map(([code, meaning]) => [String(code), meaning]),
  '  ',
)}`

const urlsHelp = `
URLs:
  rtmp://host/app/key  rtmps://…       pulled from or pushed to
  file.flv                             read in real time, or recorded
  http(s)://host/path.flv              pulled from
  stream:NAME                          a stream of this gateway: its doors open as with "serve"
  youtube:KEY facebook:KEY twitch:KEY  pushed to, with what the service wants checked and repaired
  rtmp://host/app/key#profile=youtube  the same checks and repairs for any server; also #keyframes=2&audio=always
`

const createProgram = (finish: (code: number) => void): Command => {
  const program = new Command('crosspoint')
    .description('Joins any live source to any live destination: RTMP, WebRTC, FLV.')
    .version(version)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', codesHelp)

  addFlags(program.command('serve').description('run the gateway'))
    .option('--json', 'where it listens as one JSON object, in place of the addresses for people')
    .action(async flags => finish(await serve(flags, version)))

  addFlags(
    program
      .command('bridge')
      .description('carry one source to one or more destinations, without a running gateway')
      .argument('<from>', 'URL of the source')
      .argument('<to...>', 'URLs of the destinations')
      .option('--explain', 'say what would be done to each track, and write nothing')
      .option('--retry', 'connect lost destinations again, and wait for a stream that has ended')
      .option('--duration <seconds>', 'stop after so long', parseSeconds)
      .option('--json', 'plan and result as one JSON object a line'),
  )
    .addHelpText('after', urlsHelp + codesHelp)
    .action(async (from, to, options) => finish(await bridge(from, to, options, version)))

  addFlags(program.command('demo').description('a test picture with a tone, played in your browser'))
    .option('--size <WxH>', 'of the picture', '1280x720')
    .option('--duration <seconds>', 'stop after so long', parseSeconds)
    .action(async options => finish(await demo(options)))

  program
    .command('adapters')
    .description('what every protocol can carry')
    .option('--markdown', 'the table of the README')
    .option('--json', 'as JSON')
    .action(options => finish(printAdapters(options)))

  addTokenCommand(program, finish)
  return program
}

const usageCode = ({ exitCode }: CommanderError): number => (exitCode === 0 ? EXIT.ok : EXIT.usage)

/** Runs one command line and resolves to the exit code of the process. */
export const main = async (argv: readonly string[]): Promise<number> => {
  let code: number = EXIT.ok
  const program = createProgram(result => {
    code = result
  })
  try {
    await program.parseAsync(argv)
    return code
  } catch (thrown) {
    // Commander has said its sentence already.
    if (thrown instanceof CommanderError) return usageCode(thrown)
    process.stderr.write(`crosspoint: ${maskUrls(toGatewayError(thrown).message)}\n`)
    return exitCodeOf(thrown)
  }
}
