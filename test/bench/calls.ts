/**
 * Telephone calls through one gateway, its load on a processor and in memory, and the delay that it adds. A call has two
 * ends that hear each other: 100 packets come and 100 leave each second. The gateway lists it as two, one for each phone.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type Bench, countOption, type Row } from './bench.ts'
import type { Told } from './calls-load-child.ts'
import { cpuSeconds, endChild, pause, residentBytes } from './parts/servers.ts'

/** Each second, both ways. */
const PACKETS_PER_CALL = 100

interface Load {
  readonly name: string
  readonly codec: 'pcmu' | 'opus'
  readonly calls: number
  readonly seconds: number
  readonly warmUp: number
  readonly blockedMs?: number
}

/** What the gateway made up since it began. */
interface Sound {
  readonly concealedMs: number
}

const start = (file: string): ChildProcess => fork(join(import.meta.dirname, file))
const ask = async <T>(child: ChildProcess, message: object | string): Promise<T> => {
  child.send(message)
  const [answer] = (await once(child, 'message')) as [T]
  return answer
}

const measure = async ({ name, codec, calls, seconds, warmUp, blockedMs = 0 }: Load): Promise<Row> => {
  const [gateway, load] = [start('calls-gateway-child.ts'), start('calls-load-child.ts')]
  try {
    const pid = gateway.pid!
    const remote = await ask<readonly number[]>(load, { calls, codec })
    const idleBytes = await residentBytes(pid)
    load.send(await ask<readonly number[]>(gateway, { ports: remote, codecs: ['pcmu', codec], blockedMs }))
    await pause(warmUp * 1000)
    load.send('measure')
    const before = await ask<Sound>(gateway, 'tell')
    const [beforeCpu, beforeMs] = [await cpuSeconds(pid), performance.now()]
    await pause(seconds * 1000)
    const took = (performance.now() - beforeMs) / 1000
    const cpu = ((await cpuSeconds(pid)) - beforeCpu) / took
    const told = await ask<Told>(load, 'tell')
    const { concealedMs } = await ask<Sound>(gateway, 'tell')
    const bytes = await residentBytes(pid)
    return {
      ...{ name, calls, cpuPercent: cpu * 100 },
      // Of what came through: a machine that is busy otherwise starves the far ends too.
      callsPerCore: told.received / took / PACKETS_PER_CALL / cpu,
      packetsInPerSecond: told.sent / took,
      packetsOutPerSecond: told.received / took,
      ...{ delayP50Ms: told.delayP50Ms, delayP99Ms: told.delayP99Ms, tones: told.tones },
      ...{ gapErrorP50Ms: told.gapErrorP50Ms, gapErrorP99Ms: told.gapErrorP99Ms },
      // Both ways of all calls together, as the counters of the load: since the warm-up.
      concealedMs: concealedMs - before.concealedMs,
      ...{ rssBytes: bytes, rssBytesPerCall: (bytes - idleBytes) / calls },
    }
  } finally {
    await endChild(load)
    await endChild(gateway)
  }
}

/**
 * 150 calls that begin at once are no idle gateway: buffers that grew meanwhile shrink for up to nine seconds, in which
 * nothing is measured.
 */
const WARM_UP_S = 10

/** One call alone for the delay, some while the event loop is blocked again and again, then as many as are aimed at. */
export const bench: Bench = async options => {
  const [seconds, warmUp] = [countOption(options, 'seconds', 10), countOption(options, 'warm-up', WARM_UP_S)]
  const many = options.has('streams') ? countOption(options, 'streams', 1) : undefined
  const loads = [
    { name: 'transcoded', codec: 'opus', calls: 1 },
    { name: 'relayed', codec: 'pcmu', calls: 1 },
    { name: 'blocked 30 ms', codec: 'opus', calls: 10, blockedMs: 30 },
    { name: 'transcoded', codec: 'opus', calls: many ?? 150 },
    // A thousand as the gateway lists them, and twice that.
    ...(many === undefined ? [500, 1000] : [many]).map(
      calls => ({ name: 'relayed', codec: 'pcmu', calls }) as const,
    ),
  ] as const
  const rows: Row[] = []
  for (const load of loads) rows.push(await measure({ ...load, seconds, warmUp }))
  return rows
}
