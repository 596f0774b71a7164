/** Recipes are run as their reader runs them, on free ports. */
import { join } from 'node:path'
import { freePort, type Program, startProgram } from './program.ts'

export interface Doors {
  readonly http: string
  readonly rtmp: string
  readonly webrtc: string
}

export const freeDoors = async (): Promise<Doors> => ({
  http: `127.0.0.1:${await freePort()}`,
  rtmp: `127.0.0.1:${await freePort()}`,
  webrtc: `127.0.0.1:${await freePort()}`,
})

/** Starts `recipes/NAME/run.sh` with its own arguments; ports and flags come to it by environment. */
export const startRecipe = (
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Program =>
  startProgram('env', [
    ...Object.entries(env).map(([key, value]) => `${key}=${value}`),
    `PATH=${join(process.execPath, '..')}:${process.env.PATH}`,
    'sh',
    join(import.meta.dirname, '../../recipes', name, 'run.sh'),
    ...args,
  ])

export const doorsEnv = ({ http, rtmp, webrtc }: Doors): Record<string, string> => ({
  HTTP: http,
  RTMP: rtmp,
  WEBRTC: webrtc,
})
