/** Looking at processes from outside. */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Gone, or dead and only waiting for its parent to take notice. */
export const isGone = (pid: number): boolean => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) === 'Z'
  } catch {
    return true
  }
}

/** Polls until `done` holds. @throws when it does not within `timeoutMs`. */
export const eventually = async (done: () => boolean, timeoutMs: number, what: string): Promise<void> => {
  const deadline = performance.now() + timeoutMs
  while (!done()) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`)
    await sleep(10)
  }
}

/** Process ids of this process's children that run ffmpeg. */
export const ffmpegChildren = (): number[] =>
  readdirSync('/proc').flatMap(name => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const [, comm, rest] = /^\d+ \((.*)\) (.*)/.exec(stat)!
      const [state, parent] = rest!.split(' ')
      return comm === 'ffmpeg' && state !== 'Z' && Number(parent) === process.pid ? [Number(name)] : []
    } catch {
      return []
    }
  })

/** Process ids of a process's own children. */
export const childrenOf = (pid: number): number[] =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(name => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        return Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0]) === pid
      } catch {
        return false
      }
    })
    .map(Number)
