/** `crosspoint stop ID…`: ends bridges and recordings. */
import { type ApiFlags, addApiFlags, createApi } from './api-client.ts'
import { type Define, examples } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { print } from './print.ts'

export const define: Define = (command, finish) => {
  addApiFlags(command)
    .argument('<id...>', 'as "crosspoint bridges" lists them')
    .addHelpText('after', examples('stop 1f3a9c02'))
    .action(async (ids: string[], flags: ApiFlags) => {
      const api = createApi(flags)
      for (const id of ids) {
        await api.delete(`/v1/bridges/${encodeURIComponent(id)}`)
        print(`Stopped ${id}.`)
      }
      finish(EXIT.ok)
    })
}
