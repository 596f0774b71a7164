/** `crosspoint hangup ID…`: ends calls, also those that ring. */
import { type ApiFlags, addApiFlags, createApi } from './api-client.ts'
import { type Define, examples } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { print } from './print.ts'

interface HangupFlags extends ApiFlags {
  readonly reason?: string
}

export const define: Define = (command, finish) => {
  addApiFlags(command)
    .argument('<id...>', 'as "crosspoint calls" lists them')
    .option('--reason <text>', 'told to the far side')
    .addHelpText('after', examples('hangup 1f3a9c02', 'hangup 1f3a9c02 --reason "we close at six"'))
    .action(async (ids: string[], { reason, ...flags }: HangupFlags) => {
      const api = createApi(flags)
      for (const id of ids) {
        await api.post(`/v1/calls/${encodeURIComponent(id)}/hangup`, reason === undefined ? {} : { reason })
        print(`Hung up ${id}.`)
      }
      finish(EXIT.ok)
    })
}
