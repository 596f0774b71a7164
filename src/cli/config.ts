/** `crosspoint config check|plan|explain`: a configuration before it is used, and what a change of it would do. */
import type { Command } from 'commander'
import { checkExposure } from '../access/exposure.ts'
import type { Logger } from '../adapters/adapter.ts'
import { adapters } from '../adapters/index.ts'
import { checkCertificates } from '../config/certificates.ts'
import { type Config, mergeConfig, parseConfig, readConfigFile } from '../config/config.ts'
import { type ExplainedKey, explainConfig } from '../config/explain.ts'
import { planChanges } from '../config/plan.ts'
import { type ApiFlags, addApiFlags, createApi } from './api-client.ts'
import { type Define, examples } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { addFlags, type Flags, readLayers } from './flags.ts'
import { columns, print, printJson } from './print.ts'

interface Row {
  readonly key: string
  readonly from: unknown
  readonly to: unknown
  readonly class: string
}

const text = (value: unknown): string => (value === null ? '–' : JSON.stringify(value))

const tell = (message: string): void => void process.stderr.write(`crosspoint: ${message}\n`)
const warnings: Logger = {
  child: () => warnings,
  debug: () => undefined,
  info: () => undefined,
  warn: (_fields, message) => tell(message),
  error: (_fields, message) => tell(message),
}

/** All that a start would look at before it opens a door. */
const readChecked = async (file: string): Promise<Config> => {
  const config = parseConfig(await readConfigFile(file), adapters)
  checkExposure(config.access, config.http.listen, warnings)
  await checkCertificates(config)
  return config
}

const check = async (file: string, json: boolean): Promise<void> => {
  await readChecked(file)
  if (json) printJson({ file, ok: true })
  else print(`${file} is good.`)
}

const planAgainst = async (file: string, other: string): Promise<readonly Row[]> => {
  const from = parseConfig(await readConfigFile(other), adapters)
  const changes = planChanges(from, await readChecked(file), adapters)
  return changes.map(({ unit: _unit, ...change }) => change)
}

const planRunning = async (file: string, flags: ApiFlags): Promise<readonly Row[]> => {
  const config = await readConfigFile(file)
  return (await createApi(flags).post<{ changes: Row[] }>('/v1/config/plan', { config })).changes
}

const printPlan = (changes: readonly Row[]): void => {
  if (changes.length === 0) print('Nothing would change.')
  else
    print(
      columns([
        ['KEY', 'FROM', 'TO', 'TAKES EFFECT'],
        ...changes.map(({ key, from, to, class: name }) => [key, text(from), text(to), name]),
      ]),
    )
}

const plan = async (file: string, flags: ApiFlags & { readonly against?: string }): Promise<void> => {
  const { against } = flags
  const changes = against === undefined ? await planRunning(file, flags) : await planAgainst(file, against)
  if (flags.json) printJson({ changes })
  else printPlan(changes)
}

const explain = async (flags: Flags & { readonly json?: boolean }): Promise<void> => {
  const layers = await readLayers(flags)
  const keys = explainConfig(parseConfig(mergeConfig(layers.file, layers.flags), adapters), layers, adapters)
  const row = ({ key, value, origin, class: name }: ExplainedKey): string[] => [
    key,
    text(value),
    origin,
    name,
  ]
  if (flags.json) printJson({ keys })
  else print(columns([['KEY', 'VALUE', 'FROM', 'A CHANGE TAKES EFFECT'], ...keys.map(row)]))
}

const json = (command: Command): Command => command.option('--json', 'as JSON')

export const define: Define = (command, finish) => {
  const done = async (work: Promise<void>): Promise<void> => {
    await work
    finish(EXIT.ok)
  }
  json(command.command('check').description('is this file a good configuration?').argument('<file>'))
    .addHelpText('after', examples('config check crosspoint.yaml'))
    .action((file: string, flags: ApiFlags) => done(check(file, flags.json === true)))
  addApiFlags(
    json(command.command('plan').description('what this file would change, and when').argument('<file>')),
  )
    .option('--against <file>', 'compared with this file, in place of what the gateway runs with')
    .addHelpText('after', examples('config plan new.yaml', 'config plan new.yaml --against crosspoint.yaml'))
    .action((file: string, flags: ApiFlags & { readonly against?: string }) => done(plan(file, flags)))
  addFlags(json(command.command('explain').description('every key, its value, and where that comes from')))
    .addHelpText('after', examples('config explain --config crosspoint.yaml --http :8080'))
    .action((flags: Flags & { readonly json?: boolean }) => done(explain(flags)))
  command.addHelpText('after', examples('config check crosspoint.yaml', 'config plan crosspoint.yaml'))
}
