/** `crosspoint serve`: the gateway, until it is told to stop. */
import { createGateway, type Gateway } from '../gateway.ts'
import { printBanner } from './banner.ts'
import { EXIT } from './exit-codes.ts'
import { type Flags, readFlags } from './flags.ts'
import { printJson } from './print.ts'
import { untilStopped } from './signals.ts'

export interface ServeFlags extends Flags {
  readonly json?: boolean
}

const doorsView = (gateway: Gateway): object =>
  Object.fromEntries([...gateway.doors].map(([name, { address, port }]) => [name, { address, port }]))

export const serve = async (flags: ServeFlags, version: string): Promise<number> => {
  const stopped = untilStopped()
  await using gateway = await createGateway(await readFlags(flags))
  if (flags.json) printJson({ doors: doorsView(gateway) })
  else printBanner(gateway, version)
  const signal = await stopped
  gateway.log.info({ signal }, 'stopping: no new sessions, the running ones are closed')
  await gateway.close({ code: 'shutdown', detail: `the gateway got ${signal}` })
  return EXIT.ok
}
