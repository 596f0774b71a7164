/** `crosspoint token`: signs a token for a publisher, a viewer or a program. */
import { Option } from 'commander'
import { signToken } from '../access/sign-token.ts'
import { parseConfig, readConfigFile } from '../config/config.ts'
import { type Define, examples } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { print } from './print.ts'
import { parseValidity } from './seconds.ts'

interface TokenFlags {
  readonly config: string
  readonly publish?: string[]
  readonly play?: string[]
  readonly api?: 'read' | 'write'
  readonly subject?: string
  /** Seconds. */
  readonly for: number
}

const help = `
The file must have access.jwt.secret; rules with "jwt: true" then let the token in. It is looked at when somebody
comes: who is there goes on when it expires (crosspoint kick ends that), and is not let in again.
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
    .option('--for <duration>', 'how long it is valid: 90s, 15m, 8h, 30d', parseValidity, 3600)
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
