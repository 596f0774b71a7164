/** A bridge within a running gateway: left to it, or watched until it ends. */
import type { Command } from 'commander'
import type { BridgeView } from '../http/schemas/bridge.ts'
import { type Api, type ApiFlags, addApiFlags, createApi } from './api-client.ts'
import { describeBridge } from './bridges.ts'
import { EXIT } from './exit-codes.ts'
import { print, printJson } from './print.ts'
import { parseSeconds } from './seconds.ts'
import { untilStopped } from './signals.ts'

export interface OpenFlags extends ApiFlags {
  readonly follow?: boolean
  /** Seconds. */
  readonly duration?: number
}

export const addOpenFlags = (command: Command): Command =>
  addApiFlags(command)
    .option('--follow', 'stay until it has ended; Ctrl-C stops it')
    .option('--duration <time>', 'stop it after so long (90, 15m, 1.5h); stays until then', parseSeconds)
    .option('--json', 'the bridge as JSON')

const pollMs = 500
const pause = (ms: number): Promise<undefined> => new Promise(resolve => setTimeout(resolve, ms, undefined))
const isOver = ({ state }: BridgeView): boolean => state === 'ended' || state === 'failed'

/** As long as it lasts, or until somebody here wants it ended. */
const follow = async (
  api: Api,
  id: string,
  stopped: Promise<unknown>,
  seconds: number | undefined,
): Promise<BridgeView> => {
  const path = `/v1/bridges/${id}`
  const endMs = seconds === undefined ? Number.POSITIVE_INFINITY : performance.now() + seconds * 1000
  for (;;) {
    const bridge = await api.get<BridgeView>(path)
    if (isOver(bridge)) return bridge
    const leftMs = endMs - performance.now()
    if (leftMs > 0 && (await Promise.race([stopped, pause(Math.min(pollMs, leftMs))])) === undefined) continue
    await api.delete(path)
    return api.get<BridgeView>(path)
  }
}

const show = (bridge: BridgeView, json: boolean | undefined): void => {
  if (json) printJson(bridge)
  else print(describeBridge(bridge))
}

/** @returns the exit code of the command. */
export const openBridge = async (from: string, to: readonly string[], flags: OpenFlags): Promise<number> => {
  const api = createApi(flags)
  const follows = flags.follow === true || flags.duration !== undefined
  const stopped = follows ? untilStopped() : undefined
  const opened = await api.post<BridgeView>('/v1/bridges', { from, to })
  show(opened, flags.json)
  if (stopped === undefined) {
    if (!flags.json) print(`It goes on in the gateway; "crosspoint stop ${opened.id}" ends it.`)
    return EXIT.ok
  }
  const ended = await follow(api, opened.id, stopped, flags.duration)
  show(ended, flags.json)
  return ended.state === 'failed' ? EXIT.unreachable : EXIT.ok
}
