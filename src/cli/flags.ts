/** Flags that more than one command has, and the piece of configuration that each stands for. */
import { type Command, Option } from 'commander'
import { adapters } from '../adapters/index.ts'
import { type ConfigInput, mergeConfig, readConfigFile } from '../config/config.ts'
import type { ConfigLayers } from '../config/explain.ts'
import { knownKeys } from '../config/problems.ts'

export interface Flags {
  readonly config?: string
  readonly recordings?: string
  readonly logLevel?: string
  readonly transcode?: string
  readonly bFrames?: string
  readonly lockResolution?: string
  /** `--http`, and the door of each adapter under its name. */
  readonly [door: string]: unknown
}

/** Adapters with a door of their own; the others live in the HTTP server. */
export const doorNames: readonly string[] = [
  'http',
  ...adapters.filter(({ config }) => knownKeys(config).includes('listen')).map(({ name }) => name),
]

export const addFlags = (command: Command): Command => {
  command.option('--config <file>', 'YAML file to start from; flags win over it')
  for (const name of doorNames)
    command.option(
      `--${name} <host:port>`,
      `where ${name} listens; an empty host is every interface (IPv4), port 0 any free one`,
    )
  return command
    .option('--recordings <dir>', 'where recordings are written')
    .addOption(
      new Option('--log-level <level>', 'how much is logged').choices([
        'debug',
        'info',
        'warn',
        'error',
        'silent',
      ]),
    )
    .addOption(
      new Option('--transcode <what>', 'what is transcoded where codecs do not fit').choices([
        'off',
        'audio',
        'when-needed',
      ]),
    )
    .addOption(
      new Option('--b-frames <how>', 'what becomes of B-frames towards browsers').choices([
        'drop',
        'transcode',
        'reject',
      ]),
    )
    .option('--lock-resolution <WxH>', 'transcode pictures to this size, whatever size they come in')
}

/** Of what was given. */
const sectionOf = (values: Readonly<Record<string, unknown>>): object | undefined => {
  const given = Object.entries(values).filter(([, value]) => value !== undefined)
  return given.length === 0 ? undefined : Object.fromEntries(given)
}
const section = (value: unknown, key: string): object | undefined => sectionOf({ [key]: value })

/** What the file says, and what the flags say. @throws GatewayError `bad-config` */
export const readLayers = async (flags: Flags): Promise<ConfigLayers> => {
  const file = flags.config === undefined ? {} : await readConfigFile(flags.config)
  const over = {
    ...Object.fromEntries(doorNames.map(name => [name, section(flags[name], 'listen')])),
    recordings: section(flags.recordings, 'directory'),
    transcode: sectionOf({
      policy: flags.transcode,
      bFrames: flags.bFrames,
      lockResolution: flags.lockResolution,
    }),
    log: section(flags.logLevel, 'level'),
  }
  const given = Object.entries(over).filter(([, value]) => value !== undefined)
  return { file, flags: Object.fromEntries(given) }
}

/** File first, then what the flags say. @throws GatewayError `bad-config` */
export const readFlags = async (flags: Flags): Promise<ConfigInput> => {
  const layers = await readLayers(flags)
  return mergeConfig(layers.file, layers.flags)
}
