/** One child process on three pipes, and the only place that starts or ends one. */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Clock } from '../core/types.ts'
import { createStderrTail } from './stderr-tail.ts'

/** ffmpeg leaves 9 to 31 ms after the end of its input; whoever has not by now will not. */
const STOP_GRACE_US = 500_000
const FLOOD_BYTES_PER_S = 1 << 20

export interface ChildEvents {
  onData(bytes: Uint8Array): void
  /** Once, when the process is gone and its output has been read. `why` is a sentence. */
  onExit(why: string): void
}
export interface Child {
  readonly pid: number | undefined
  /** Bytes written that the pipe has not taken yet. */
  readonly queuedBytes: number
  /** The last lines of its stderr. */
  readonly stderr: readonly string[]
  write(bytes: Uint8Array): void
  /** Ends its input and leaves it the time it takes. */
  end(): void
  /** Ends its input, waits 500 ms, kills it. Resolves when it is gone, with how it went. Idempotent. */
  stop(): Promise<string>
  /** At once; `why` is what `onExit` will say. */
  kill(why: string): void
}

export const CLEAN_EXIT = 'exited with code 0'

const describeExit = (code: number | null, signal: NodeJS.Signals | null): string =>
  signal === null ? `exited with code ${code}` : `was killed by ${signal}`

/**
 * Starts `path` with `args` (no shell). In its own session, so that Ctrl-C in the terminal leaves its end to us; should
 * the gateway itself be killed, the child reads the end of its input and leaves.
 */
export const startChild = (
  path: string,
  args: readonly string[],
  clock: Clock,
  events: ChildEvents,
): Child => {
  const child: ChildProcess = spawn(path, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, cwd: '/' })
  // Absent when the system had no file descriptors left; the 'error' event tells.
  const { stdin, stdout, stderr } = child
  const tail = createStderrTail()
  const gone = Promise.withResolvers<string>()
  let killedFor: string | undefined
  let cancelKill: (() => void) | undefined
  let over = false
  let floodSince = clock.now()
  let floodBytes = 0

  const finish = (why: string): void => {
    if (over) return
    over = true
    cancelKill?.()
    stdin?.destroy()
    gone.resolve(killedFor ?? why)
    events.onExit(killedFor ?? why)
  }
  const kill = (why: string): void => {
    killedFor ??= why
    child.kill('SIGKILL')
  }
  const watchFlood = (bytes: number): void => {
    const now = clock.now()
    if (now - floodSince > 1_000_000) [floodSince, floodBytes] = [now, 0]
    floodBytes += bytes
    if (floodBytes > FLOOD_BYTES_PER_S) kill(`wrote ${floodBytes} bytes to stderr within a second`)
  }

  child.on('error', error => finish(`could not be started: ${error.message}`))
  child.on('close', (code, signal) => finish(describeExit(code, signal)))
  // EPIPE and the like: the exit that follows says why.
  stdin?.on('error', () => {})
  stdout?.on('data', (bytes: Buffer) => events.onData(bytes))
  stderr?.on('data', (bytes: Buffer) => {
    tail.push(bytes)
    watchFlood(bytes.length)
  })

  return {
    pid: child.pid,
    get queuedBytes() {
      return stdin?.writableLength ?? 0
    },
    get stderr() {
      return tail.lines
    },
    write(bytes) {
      if (stdin?.writable) stdin.write(bytes)
    },
    end() {
      stdin?.end()
    },
    stop() {
      if (!over && cancelKill === undefined) {
        stdin?.end()
        cancelKill = clock.after(STOP_GRACE_US, () =>
          kill('did not leave within 500 ms after its input ended'),
        )
      }
      return gone.promise
    },
    kill,
  }
}
