/** The servers that benches compare: each started afresh, seen from outside. */
import { type ChildProcess, execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startServer } from '../../helpers/crosspoint.ts'
import { startNginxRtmp } from '../../helpers/nginx-rtmp.ts'

export interface BenchServer {
  readonly name: string
  readonly pid: number
  readonly rtmpPort: number
  /** Where it serves HTTP-FLV; undefined: it does not. */
  readonly http: string | undefined
  stop(): Promise<unknown>
}

export const startCrosspoint = async (): Promise<BenchServer> => {
  const { program, http, rtmp, stop } = await startServer(['--log-level', 'warn'])
  return { name: 'crosspoint', pid: program.child.pid!, rtmpPort: Number(new URL(rtmp).port), http, stop }
}

export const startNginx = async (): Promise<BenchServer> => {
  const { pid, port, stop } = await startNginxRtmp()
  return { name: 'nginx-rtmp', pid, rtmpPort: port, http: undefined, stop }
}

/** nginx-rtmp first, then Crosspoint: each has the machine to itself. */
export const SERVERS: readonly (() => Promise<BenchServer>)[] = [startNginx, startCrosspoint]

/** On-CPU seconds of all threads (schedstat): clock ticks are too coarse for bursts shorter than one. */
export const cpuSeconds = async (pid: number): Promise<number> => {
  const folder = `/proc/${pid}/task`
  const stats = (await readdir(folder)).map(thread => readFile(`${folder}/${thread}/schedstat`, 'utf8'))
  const nanoseconds = (await Promise.all(stats)).map(text => Number(text.split(' ')[0]))
  return nanoseconds.reduce((sum, time) => sum + time, 0) / 1e9
}

export const residentBytes = async (pid: number): Promise<number> =>
  Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]) * 1024

export const startChild = (file: string, ...args: readonly number[]): ChildProcess =>
  fork(join(import.meta.dirname, file), args.map(String))

/** Resolves once it publishes. */
export const startPublisher = async (server: BenchServer): Promise<ChildProcess> => {
  const publisher = startChild('publisher-child.ts', server.rtmpPort)
  const gone = once(publisher, 'exit').then(() => {
    throw new Error(`${server.name} did not let the publisher in`)
  })
  gone.catch(() => undefined)
  await Promise.race([once(publisher, 'message'), gone])
  return publisher
}

/** Ends a child and waits for it. */
export const endChild = async (child: ChildProcess | undefined): Promise<void> => {
  if (child === undefined || child.exitCode !== null) return
  const exited = once(child, 'exit')
  child.disconnect()
  await exited
}

const pin = async (pid: number, core: number): Promise<void> => {
  await promisify(execFile)('taskset', ['--all-tasks', '--cpu-list', '--pid', String(core), String(pid)])
}

/**
 * The server has the first core to itself, what loads it the second, as if it were another machine: else the scheduler
 * likes to wake a reader on the core that is still writing to the others. `false` where that cannot be had.
 */
export const keepApart = async (server: BenchServer, load: readonly ChildProcess[]): Promise<boolean> => {
  try {
    await Promise.all([pin(server.pid, 0), ...load.map(({ pid }) => pin(pid!, 1))])
    return true
  } catch {
    return false
  }
}

export const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
