/** RTMP to RTMP: from a picture's write at the publisher to its last byte at the player; nginx-rtmp beside it. */
import type { ChildProcess } from 'node:child_process'
import { type Bench, countOption, type Row } from './bench.ts'
import { ask, startPlayers } from './parts/players.ts'
import { type BenchServer, endChild, pause, SERVERS, startPublisher } from './parts/servers.ts'

const measure = async (server: BenchServer, count: number, seconds: number, warmUp: number): Promise<Row> => {
  let publisher: ChildProcess | undefined
  let players: ChildProcess | undefined
  try {
    publisher = await startPublisher(server)
    players = await startPlayers(server, count)
    await pause(warmUp * 1000)
    await ask(players, 'reset')
    await pause(seconds * 1000)
    const { pictures, p50Ms, p99Ms, maxMs } = await ask(players, 'progress')
    return { name: 'latency', server: server.name, players: count, pictures, medianMs: p50Ms, p99Ms, maxMs }
  } finally {
    await endChild(players)
    await endChild(publisher)
    await server.stop()
  }
}

export const bench: Bench = async options => {
  const [players, seconds] = [countOption(options, 'players', 1), countOption(options, 'seconds', 10)]
  // Pictures come 30 times a second: so long until what serves them is compiled.
  const warmUp = countOption(options, 'warm-up', 5)
  const rows: Row[] = []
  for (const start of SERVERS) rows.push(await measure(await start(), players, seconds, warmUp))
  return rows
}
