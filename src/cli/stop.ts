/** `crosspoint stop ID…`: ends bridges and recordings, or one destination of a bridge. */
import { InvalidArgumentError } from 'commander'
import { GatewayError } from '../errors.ts'
import { type ApiFlags, addApiFlags, createApi } from './api-client.ts'
import { type Define, examples } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { print } from './print.ts'

interface StopFlags extends ApiFlags {
  /** Which of its destinations, counted from 1. */
  readonly only?: number
}

const parseNumber = (text: string): number => {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It is a number from 1, as "crosspoint bridges ID" shows it.')
}

const stop = async (ids: readonly string[], flags: StopFlags): Promise<void> => {
  const { only } = flags
  if (only !== undefined && ids.length > 1)
    throw new GatewayError('bad-request', '--only names a destination of one bridge')
  const api = createApi(flags)
  for (const id of ids) {
    const bridge = `/v1/bridges/${encodeURIComponent(id)}`
    await api.delete(only === undefined ? bridge : `${bridge}/legs/${only - 1}`)
    print(only === undefined ? `Stopped ${id}.` : `Stopped destination ${only} of ${id}.`)
  }
}

export const define: Define = (command, finish) => {
  addApiFlags(command)
    .argument('<id...>', 'as "crosspoint bridges" lists them')
    .option('--only <number>', 'this destination alone, as "crosspoint bridges ID" numbers them', parseNumber)
    .addHelpText('after', examples('stop 1f3a9c02', 'stop 1f3a9c02 --only 2'))
    .action(async (ids: string[], flags: StopFlags) => {
      await stop(ids, flags)
      finish(EXIT.ok)
    })
}
