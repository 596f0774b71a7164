/** `crosspoint serve`: the gateway, until it is told to stop. */
import { createGateway } from '../gateway.ts'
import { printBanner } from './banner.ts'
import { EXIT } from './exit-codes.ts'
import { type Flags, readFlags } from './flags.ts'
import { untilStopped } from './signals.ts'

export const serve = async (flags: Flags, version: string): Promise<number> => {
  const stopped = untilStopped()
  await using gateway = await createGateway(await readFlags(flags))
  printBanner(gateway, version)
  const signal = await stopped
  gateway.log.info({ signal }, 'stopping: no new sessions, the running ones are closed')
  await gateway.close({ code: 'shutdown', detail: `the gateway got ${signal}` })
  return EXIT.ok
}
