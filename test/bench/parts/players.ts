/** The players as their parent sees them. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { until } from '../../helpers/program.ts'
import type { Progress } from './players-child.ts'
import { type BenchServer, startChild } from './servers.ts'

/** What the players have got so far; `reset` starts the latencies anew, after the answer. */
export const ask = async (players: ChildProcess, what: 'progress' | 'reset'): Promise<Progress> => {
  players.send(what)
  const [progress] = (await once(players, 'message')) as [Progress]
  return progress
}

/** Resolves once all of them get pictures. */
export const startPlayers = async (server: BenchServer, count: number): Promise<ChildProcess> => {
  const players = startChild('players-child.ts', server.rtmpPort, count)
  let last: Progress | undefined
  await until(
    () => `${count} players play, ${last?.playing} do, ${last?.closed} were let go`,
    async () => {
      last = await ask(players, 'progress')
      return last.playing === count && last.pictures >= count
    },
    30_000,
  )
  return players
}
