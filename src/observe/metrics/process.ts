/** What the process takes of the machine. */
import { readdirSync } from 'node:fs'
import type { Exposition } from './exposition.ts'

/** Node's names of what keeps a process alive, as kinds. */
const kinds: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ['socket', /^(TCP|TLS|UDP|Pipe)/],
  ['timer', /^(Timeout|Immediate)$/],
  ['child', /^ProcessWrap$/],
  ['file', /^(FS|File)/],
]

const countResources = (): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>([...kinds.map(([kind]) => [kind, 0] as const), ['other', 0]])
  for (const name of process.getActiveResourcesInfo()) {
    const kind = kinds.find(([, pattern]) => pattern.test(name))?.[0] ?? 'other'
    counts.set(kind, counts.get(kind)! + 1)
  }
  return counts
}

/** undefined where the system does not say. */
const countDescriptors = (): number | undefined => {
  try {
    // The listing itself has one open.
    return readdirSync('/proc/self/fd').length - 1
  } catch {
    return undefined
  }
}

export const addProcess = (out: Exposition): void => {
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed, external } = process.memoryUsage()
  out.add('crosspoint_process_cpu_seconds_total', 'counter', 'CPU time', [
    [{ mode: 'user' }, user / 1e6],
    [{ mode: 'system' }, system / 1e6],
  ])
  out.add('crosspoint_process_resident_bytes', 'gauge', 'Resident memory', [[{}, rss]])
  out.add('crosspoint_process_heap_bytes', 'gauge', 'Memory of JavaScript, and held by it outside', [
    [{ part: 'heap' }, heapUsed],
    [{ part: 'external' }, external],
  ])
  const descriptors = countDescriptors()
  if (descriptors !== undefined)
    out.add('crosspoint_process_open_fds', 'gauge', 'Open file descriptors', [[{}, descriptors]])
  out.add(
    'crosspoint_process_resources',
    'gauge',
    'What keeps the process alive, by kind',
    [...countResources()].map(([kind, count]) => [{ kind }, count]),
  )
  out.add('crosspoint_process_start_time_seconds', 'gauge', 'Unix time of the start', [
    [{}, Math.round(performance.timeOrigin) / 1000],
  ])
}
