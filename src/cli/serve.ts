/** `crosspoint serve`: the gateway, until it is told to stop. */
import { mergeConfig } from '../config/config.ts'
import { createGateway, type Gateway } from '../gateway.ts'
import { packageVersion } from '../observe/version.ts'
import { printBanner } from './banner.ts'
import { type Define, examples } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { addFlags, type Flags, readLayers } from './flags.ts'
import { printJson } from './print.ts'
import { untilStopped } from './signals.ts'

export interface ServeFlags extends Flags {
  readonly json?: boolean
}

const doorsView = (gateway: Gateway): object =>
  Object.fromEntries([...gateway.doors].map(([name, { address, port }]) => [name, { address, port }]))

const serve = async (flags: ServeFlags): Promise<number> => {
  const stopped = untilStopped()
  const layers = await readLayers(flags)
  const origin = flags.config === undefined ? undefined : { layers, read: () => readLayers(flags) }
  await using gateway = await createGateway(
    mergeConfig(layers.file, layers.flags),
    origin === undefined ? {} : { origin },
  )
  // Without a file a hang-up ends the process, as it does by default. The log says how a reload went.
  if (origin !== undefined) process.on('SIGHUP', () => void gateway.live.reload().catch(() => undefined))
  if (flags.json) printJson({ doors: doorsView(gateway) })
  else printBanner(gateway, packageVersion())
  const signal = await stopped
  gateway.log.info({ signal }, 'stopping: no new sessions, the running ones are closed')
  await gateway.close({ code: 'shutdown', detail: `the gateway got ${signal}` })
  return EXIT.ok
}

export const define: Define = (command, finish) => {
  addFlags(command)
    .option('--json', 'where it listens as one JSON object, in place of the addresses for people')
    .addHelpText(
      'after',
      examples('serve', 'serve --config crosspoint.yaml', 'serve --rtmp :1935 --http :8080'),
    )
    .action(async (flags: ServeFlags) => finish(await serve(flags)))
}
