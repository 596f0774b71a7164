/** `crosspoint kick STREAM`: ends a publisher or one of its readers. */
import { type ApiFlags, addApiFlags, createApi } from './api-client.ts'
import { type Define, examples } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { print } from './print.ts'

interface KickFlags extends ApiFlags {
  readonly reader?: string
  readonly reason?: string
}

const kick = async (stream: string, { reader, reason, ...flags }: KickFlags): Promise<void> => {
  const api = createApi(flags)
  const path = `/v1/streams/${encodeURIComponent(stream)}`
  const body = reason === undefined ? {} : { reason }
  if (reader === undefined) await api.post(`${path}/kick`, body)
  else await api.delete(`${path}/subscribers/${encodeURIComponent(reader)}`, body)
  print(reader === undefined ? `Ended the publisher of ${stream}.` : `Ended reader ${reader} of ${stream}.`)
}

export const define: Define = (command, finish) => {
  addApiFlags(command)
    .argument('<stream>')
    .option('--reader <id>', 'end this reader and leave the publisher; "crosspoint inspect" shows the ids')
    .option('--reason <text>', 'told to whoever is ended')
    .addHelpText('after', examples('kick live/cam', 'kick live/cam --reader 12 --reason "seat taken"'))
    .action(async (stream: string, flags: KickFlags) => {
      await kick(stream, flags)
      finish(EXIT.ok)
    })
}
