/** RTMP in, RTMP out to N players: Crosspoint and nginx-rtmp, one after the other, with the same film. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startNginxRtmp } from '../helpers/nginx-rtmp.ts'
import { freePort, runProgram, startProgram, until } from '../helpers/program.ts'
import { type Bench, countOption, type Row } from './bench.ts'

interface Server {
  readonly name: string
  readonly pid: number
  readonly port: number
  stop(): Promise<void>
}
interface Progress {
  readonly bytes: number
  readonly playing: number
  readonly closed: number
}

const app = 'live'
const key = 'bench'
const ticksPerSecond = 100

const startCrosspoint = async (): Promise<Server> => {
  const [rtmp, http] = [await freePort(), await freePort()]
  const listen = (port: number): string => `127.0.0.1:${port}`
  const args = ['serve', '--rtmp', listen(rtmp), '--http', listen(http)]
  const cli = join(import.meta.dirname, '../../bin/crosspoint.js')
  const program = startProgram(process.execPath, [cli, ...args])
  await until(
    () => `the gateway answers: ${program.output()}`,
    () =>
      fetch(`http://127.0.0.1:${http}/healthz`).then(
        response => response.ok,
        () => false,
      ),
  )
  return { name: 'crosspoint', pid: program.child.pid!, port: rtmp, stop: program.stop }
}

const startNginx = async (): Promise<Server> => {
  const nginx = await startNginxRtmp()
  return { name: 'nginx-rtmp', pid: nginx.pid, port: nginx.port, stop: nginx.stop }
}

/** proc(5): utime and stime are fields 14 and 15, in clock ticks. */
const cpuSeconds = async (pid: number): Promise<number> => {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}
const residentBytes = async (pid: number): Promise<number> =>
  Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]) * 1024

const progressOf = async (players: ChildProcess): Promise<Progress> => {
  players.send('progress')
  const [progress] = (await once(players, 'message')) as [Progress]
  return progress
}

const startPlayers = async (server: Server, count: number): Promise<ChildProcess> => {
  const file = join(import.meta.dirname, 'relay-players-child.ts')
  const players = fork(file, [`${server.port}`, app, key, `${count}`])
  let last = { bytes: 0, playing: 0, closed: 0 }
  await until(
    () => `${count} players play, ${last.playing} do, ${last.closed} were let go`,
    async () => {
      last = await progressOf(players)
      return last.playing === count && last.bytes > count * 20_000
    },
    30_000,
  )
  return players
}

const measure = async (server: Server, film: string, count: number, seconds: number): Promise<Row> => {
  const url = `rtmp://127.0.0.1:${server.port}/${app}/${key}`
  const input = ['-v', 'error', '-re', '-stream_loop', '-1', '-i', film]
  const publisher = startProgram('ffmpeg', [...input, '-c', 'copy', '-f', 'flv', url])
  try {
    await new Promise(resolve => setTimeout(resolve, 1000))
    const idleBytes = await residentBytes(server.pid)
    const players = await startPlayers(server, count)
    const [before, cpuBefore, start] = [
      await progressOf(players),
      await cpuSeconds(server.pid),
      performance.now(),
    ]
    await new Promise(resolve => setTimeout(resolve, seconds * 1000))
    const [after, cpuAfter, end] = [
      await progressOf(players),
      await cpuSeconds(server.pid),
      performance.now(),
    ]
    const rss = await residentBytes(server.pid)
    players.disconnect()
    const elapsed = (end - start) / 1000
    const megabits = ((after.bytes - before.bytes) * 8) / 1e6
    return {
      name: 'relay',
      server: server.name,
      players: count,
      letGo: after.closed,
      megabitsPerSecond: megabits / elapsed,
      cpuPercent: ((cpuAfter - cpuBefore) / elapsed) * 100,
      cpuMicrosPerMegabit: ((cpuAfter - cpuBefore) * 1e6) / megabits,
      rssBytes: rss,
      rssBytesPerPlayer: (rss - idleBytes) / count,
    }
  } finally {
    await publisher.stop()
    await server.stop()
  }
}

/** Two minutes of a moving picture at about 2.5 Mbit/s with sound. */
const makeFilm = async (folder: string): Promise<string> => {
  const path = join(folder, 'film.flv')
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=30,noise=alls=12:allf=t']
  const tone = ['-f', 'lavfi', '-i', 'sine=frequency=1000:sample_rate=48000']
  const video = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '0', '-g', '60', '-b:v', '2400k']
  const rate = ['-maxrate', '2400k', '-bufsize', '1200k', '-pix_fmt', 'yuv420p', '-c:a', 'aac']
  await runProgram('ffmpeg', ['-v', 'error', ...picture, ...tone, '-t', '20', ...video, ...rate, path])
  return path
}

export const bench: Bench = async options => {
  const players = countOption(options, 'players', 100)
  const seconds = countOption(options, 'seconds', 10)
  const folder = await mkdtemp(join(tmpdir(), 'relay-'))
  try {
    const film = await makeFilm(folder)
    const nginx = await measure(await startNginx(), film, players, seconds)
    const ours = await measure(await startCrosspoint(), film, players, seconds)
    const ratio = Number(ours.cpuMicrosPerMegabit) / Number(nginx.cpuMicrosPerMegabit)
    return [nginx, { ...ours, cpuRatioToNginx: ratio }]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
