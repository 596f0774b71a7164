/** `crosspoint token`: signs a token for a publisher, a viewer or a program. */
import { InvalidArgumentError, Option } from 'commander'
import { signToken } from '../access/sign-token.ts'
import { parseConfig, readConfigFile } from '../config/config.ts'
import { type Define, examples } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { print } from './print.ts'

interface TokenFlags {
  readonly config: string
  readonly publish?: string[]
  readonly play?: string[]
  readonly api?: 'read' | 'write'
  readonly subject?: string
  /** Seconds. */
  readonly for: number
}

const units = { s: 1, m: 60, h: 3600, d: 86_400 } as const

const parseDuration = (text: string): number => {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (count === undefined || Number(count) === 0)
    throw new InvalidArgumentError('It is a number and a unit: 90s, 15m, 8h, 30d.')
  return Number(count) * units[unit as keyof typeof units]
}

const help = `
The file must have access.jwt.secret; rules with "jwt: true" then let the token in.
`

const token = async (flags: TokenFlags): Promise<void> => {
  const { publish = [], play = [], api, subject } = flags
  const { jwt } = parseConfig(await readConfigFile(flags.config)).access
  print(await signToken(jwt, { publish, play, api, subject, seconds: flags.for }))
}

export const define: Define = (command, finish) => {
  command
    .requiredOption('--config <file>', 'YAML file of the gateway')
    .option('--publish <pattern...>', 'streams it may publish: live/cam, live/*, live/**')
    .option('--play <pattern...>', 'streams it may play')
    .addOption(new Option('--api <scope>', 'what it may do with the API').choices(['read', 'write']))
    .option('--subject <name>', 'whose it is')
    .option('--for <duration>', 'how long it is valid: 90s, 15m, 8h, 30d', parseDuration, 3600)
    .addHelpText('after', help)
    .addHelpText(
      'after',
      examples(
        "token --config crosspoint.yaml --play 'live/**' --for 8h",
        'token --config crosspoint.yaml --publish live/cam --subject anna --for 30d',
      ),
    )
    .action(async (flags: TokenFlags) => {
      await token(flags)
      finish(EXIT.ok)
    })
}
