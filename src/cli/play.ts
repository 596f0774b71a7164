/** `crosspoint play FILE STREAM`: this process reads the file and pushes it to the gateway's RTMP door. */
import { access } from 'node:fs/promises'
import { GatewayError } from '../errors.ts'
import type { AdapterView } from '../http/schemas/adapter.ts'
import { type Api, type ApiFlags, addApiFlags, createApi } from './api-client.ts'
import { bridge } from './bridge.ts'
import { type Define, examples } from './command.ts'
import { givenText } from './given-text.ts'
import { parseSeconds } from './seconds.ts'

interface PlayFlags extends ApiFlags {
  readonly loop?: boolean
  /** Seconds. */
  readonly duration?: number
  readonly rtmp?: string
  readonly key?: string
}

/** Where a door that is open on every interface is reached: the host by which the API was. */
const doorHost = (address: string, base: string): string => {
  if (address === '0.0.0.0' || address === '::') return new URL(base).hostname
  return address.includes(':') ? `[${address}]` : address
}

const findRtmp = async ({ get, base }: Api): Promise<string> => {
  const { adapters } = await get<{ adapters: AdapterView[] }>('/v1/adapters')
  const door = adapters.find(({ name }) => name === 'rtmp')?.listening
  if (door === undefined)
    throw new GatewayError('refused', `${base} does not listen for RTMP; --rtmp names another door`)
  return `rtmp://${doorHost(door.address, base)}:${door.port}`
}

const play = async (file: string, stream: string, flags: PlayFlags): Promise<number> => {
  await access(file).catch(() => {
    throw new GatewayError('not-found', `${file} is not there or cannot be read`)
  })
  const api = createApi(flags)
  const base = flags.rtmp ?? (await findRtmp(api))
  const key = flags.key === undefined ? api.token : givenText(flags.key)
  const query = key === undefined ? '' : `?token=${encodeURIComponent(key)}`
  const { duration, json } = flags
  const options = { ...(duration !== undefined && { duration }), ...(json !== undefined && { json }) }
  return bridge(`${file}${flags.loop ? '?loop=true' : ''}`, [`${base}/${stream}${query}`], options)
}

export const define: Define = (command, finish) => {
  addApiFlags(command)
    .argument('<file>', 'an FLV file of this machine')
    .argument('<stream>', 'the name it gets: live/film')
    .option('--loop', 'again and again')
    .option('--duration <time>', 'stop after so long: 90, 15m, 1.5h', parseSeconds)
    .option('--rtmp <url>', 'the RTMP door, where it is not the one that the gateway names')
    .option('--key <key>', 'what lets it publish, else the token; also env:NAME, file:PATH or -')
    .option('--json', 'plan and result as one JSON object a line')
    .addHelpText('after', examples('play clip.flv live/film', 'play clip.flv live/film --loop --key env:KEY'))
    .action(async (file: string, stream: string, flags: PlayFlags) => finish(await play(file, stream, flags)))
}
