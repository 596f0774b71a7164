/** RTMP in, RTMP out to N players: processor time, memory, and how long a picture and a sound take; nginx-rtmp beside it. */
import type { ChildProcess } from 'node:child_process'
import { type Bench, countOption, type Row } from './bench.ts'
import { ask, startPlayers } from './parts/players.ts'
import type { Progress } from './parts/players-child.ts'
import {
  type BenchServer,
  cpuSeconds,
  endChild,
  keepApart,
  pause,
  residentBytes,
  SERVERS,
  startPublisher,
} from './parts/servers.ts'

interface Load {
  readonly players: number
  readonly seconds: number
  /** Both servers are measured once they have run for so many seconds: a relay runs for months. */
  readonly warmUp: number
}
interface Snapshot extends Progress {
  readonly cpu: number
  readonly at: number
}
const look = async (
  server: BenchServer,
  players: ChildProcess,
  what: 'progress' | 'reset',
): Promise<Snapshot> => {
  const progress = await ask(players, what)
  return { ...progress, cpu: await cpuSeconds(server.pid), at: performance.now() }
}

const toRow = (server: BenchServer, count: number, before: Snapshot, after: Snapshot): Row => {
  const seconds = (after.at - before.at) / 1000
  const megabits = ((after.bytes - before.bytes) * 8) / 1e6
  const cpu = after.cpu - before.cpu
  return {
    name: 'relay',
    server: server.name,
    players: count,
    letGo: after.closed,
    megabitsPerSecond: megabits / seconds,
    cpuPercent: (cpu / seconds) * 100,
    cpuMicrosPerMegabit: (cpu * 1e6) / megabits,
    deliveryP50Ms: after.p50Ms,
    deliveryP99Ms: after.p99Ms,
    deliveryMaxMs: after.maxMs,
    soundP50Ms: after.soundP50Ms,
    soundP99Ms: after.soundP99Ms,
  }
}

const measure = async (server: BenchServer, { players: count, seconds, warmUp }: Load): Promise<Row> => {
  let publisher: ChildProcess | undefined
  let players: ChildProcess | undefined
  try {
    publisher = await startPublisher(server)
    await pause(1000)
    const idleBytes = await residentBytes(server.pid)
    players = await startPlayers(server, count)
    const apart = (await keepApart(server, [publisher, players])) ? 'yes' : 'no'
    await pause(warmUp * 1000)
    const before = await look(server, players, 'reset')
    await pause(seconds * 1000)
    const row = toRow(server, count, before, await look(server, players, 'progress'))
    const rssBytes = await residentBytes(server.pid)
    return { ...row, apart, rssBytes, rssBytesPerPlayer: (rssBytes - idleBytes) / count }
  } finally {
    await endChild(players)
    await endChild(publisher)
    await server.stop()
  }
}

/** Both servers with so many players; the second row says how they compare. */
const compare = async (load: Load): Promise<readonly Row[]> => {
  const rows: Row[] = []
  for (const start of SERVERS) rows.push(await measure(await start(), load))
  const [theirs, ours] = rows as [Row, Row]
  const ratio = Number(ours.cpuMicrosPerMegabit) / Number(theirs.cpuMicrosPerMegabit)
  return [theirs, { ...ours, cpuRatioToNginx: ratio }]
}

export const bench: Bench = async options => {
  const [seconds, warmUp] = [countOption(options, 'seconds', 10), countOption(options, 'warm-up', 8)]
  const sizes = options.has('players') ? [countOption(options, 'players', 100)] : [100, 400]
  const rows: Row[] = []
  for (const players of sizes) rows.push(...(await compare({ players, seconds, warmUp })))
  return rows
}
