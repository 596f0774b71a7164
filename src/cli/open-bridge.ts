/** A bridge within a running gateway: left to it, or watched until it ends. */
import type { Command } from 'commander'
import { GatewayError } from '../errors.ts'
import type { BridgeView } from '../http/schemas/bridge.ts'
import { type Api, type ApiFlags, addApiFlags, createApi } from './api-client.ts'
import { describeBridge } from './bridges.ts'
import { EXIT } from './exit-codes.ts'
import { print, printJson } from './print.ts'
import { parseSeconds } from './seconds.ts'
import { untilStopped } from './signals.ts'
import { type Carried, missingWithin } from './time-up.ts'

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

const carriedBy = ({ from, stream, source, legs }: BridgeView): Carried<string> => ({
  ...{ from, stream },
  source: source && { error: source.lastError ?? undefined },
  legs: legs.map(({ to, bytes, stats, lastError }) => {
    return { to, bytes, stats: stats ?? undefined, error: lastError ?? undefined }
  }),
})

const isLive = async (api: Api, stream: string): Promise<boolean> => {
  const found = await api
    .get<{ state: string }>(`/v1/streams/${encodeURIComponent(stream)}`)
    .catch(() => null)
  return found?.state === 'ready'
}

interface Followed {
  readonly bridge: BridgeView
  /** What its time did not suffice for. */
  readonly missing?: string | GatewayError | undefined
}

/** As long as it lasts, or until somebody here wants it ended. `endMs`: as `performance.now` counts. */
const follow = async (
  api: Api,
  id: string,
  stopped: Promise<unknown>,
  endMs: number,
  seconds = 0,
): Promise<Followed> => {
  const path = `/v1/bridges/${id}`
  for (;;) {
    const bridge = await api.get<BridgeView>(path)
    if (isOver(bridge)) return { bridge }
    const leftMs = endMs - performance.now()
    const waited = leftMs > 0 ? await Promise.race([stopped, pause(Math.min(pollMs, leftMs))]) : undefined
    if (waited === undefined && performance.now() < endMs) continue
    const live = await isLive(api, bridge.stream)
    await api.delete(path)
    const ended = await api.get<BridgeView>(path)
    if (waited !== undefined) return { bridge: ended }
    return { bridge: ended, missing: missingWithin(seconds, live, carriedBy(ended)) }
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
  const seconds = flags.duration
  const endMs = seconds === undefined ? Number.POSITIVE_INFINITY : performance.now() + seconds * 1000
  const opened = await api.post<BridgeView>('/v1/bridges', { from, to })
  show(opened, flags.json)
  if (stopped === undefined) {
    if (!flags.json) print(`It goes on in the gateway; "crosspoint stop ${opened.id}" ends it.`)
    return EXIT.ok
  }
  const { bridge, missing } = await follow(api, opened.id, stopped, endMs, seconds)
  show(bridge, flags.json)
  if (missing instanceof GatewayError) throw missing
  if (missing !== undefined) process.stderr.write(`crosspoint: ${missing}\n`)
  return missing !== undefined || bridge.state === 'failed' ? EXIT.unreachable : EXIT.ok
}
