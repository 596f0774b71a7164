/** The one door to fluent-ffmpeg: a file in, a file out, by typed requests. */
import ffmpeg, { type FfmpegCommand } from 'fluent-ffmpeg'
import { GatewayError } from '../errors.ts'
import { findFfmpeg } from '../transcode/ffmpeg.ts'
import { inputOptions, outputOptions, outputSeconds } from './file-options.ts'
import { findLeash } from './leash.ts'
import type { JobRequest } from './request.ts'

export interface FileTask {
  readonly request: JobRequest
  /** Absolute paths; `to` is written over. */
  readonly from: string
  readonly to: string
}
export interface FileTool {
  /**
   * Resolves when the file is whole; settles in any case only when the process is gone. `onProgress` is told 0 to 1,
   * never less than before.
   * @throws GatewayError 'dependency-missing', 'malformed' with ffmpeg's own words, 'closed' after an abort
   */
  run(task: FileTask, onProgress: (done: number) => void, signal: AbortSignal): Promise<void>
}

const durationPattern = /^\s*Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)/
const progressPattern = /^out_time_us=(\d+)$/

/** Reads the input's duration and the output's time from what ffmpeg says. */
const followProgress = (
  request: JobRequest,
  onProgress: (done: number) => void,
): ((line: string) => void) => {
  let expected = 0
  let done = 0
  return line => {
    const [, hours, minutes, seconds] = durationPattern.exec(line) ?? []
    if (seconds !== undefined)
      expected = outputSeconds(request, Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds))
    const us = progressPattern.exec(line)?.[1]
    if (us === undefined || expected <= 0) return
    done = Math.max(done, Math.min(1, Number(us) / 1e6 / expected))
    onProgress(done)
  }
}

const failure = (error: Error, signal: AbortSignal): GatewayError =>
  signal.aborted
    ? new GatewayError('closed', 'the job was cancelled')
    : new GatewayError('malformed', error.message.trim(), { cause: error })

type Ended = (error: Error | null, ...rings: unknown[]) => void
/** What fluent-ffmpeg has beside its declared interface. */
interface Spawning {
  _spawnFfmpeg(args: string[], options: object, ...callbacks: Ended[]): void
}

/**
 * Every process is started as `program` with `first` before its own arguments. Without the guard one that cannot be
 * started (no descriptors left) would throw where nobody can catch it.
 */
const guardSpawn = (
  command: FfmpegCommand,
  [program = '', ...first]: readonly string[],
  failed: (error: Error) => void,
): void => {
  command.setFfmpegPath(program)
  const spawning = command as unknown as Spawning
  const spawn = spawning._spawnFfmpeg.bind(command)
  spawning._spawnFfmpeg = (args, options, ...callbacks) => {
    const ended = callbacks.pop()
    const guarded: Ended = (error, ...rings) =>
      callbacks.length > 0 && rings.length === 0 && error !== null ? failed(error) : ended?.(error, ...rings)
    spawn([...first, ...args], options, ...callbacks, guarded)
  }
}

const program = async (path: string): Promise<string> => {
  const found = await findFfmpeg(path)
  if ('missing' in found) throw new GatewayError('dependency-missing', found.missing)
  return found.ffmpeg.path
}

const finish = (command: FfmpegCommand, words: readonly string[], signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const kill = (): void => void command.kill('SIGKILL')
    const settle = (done: () => void): void => {
      signal.removeEventListener('abort', kill)
      done()
    }
    // Before it has started there is nothing to kill.
    command.on('start', () => {
      if (signal.aborted) kill()
      else signal.addEventListener('abort', kill, { once: true })
    })
    command.on('end', () => settle(resolve))
    const failed = (error: Error): void => settle(() => reject(failure(error, signal)))
    command.on('error', failed)
    guardSpawn(command, words, failed)
    command.run()
  })

/** `ffmpegPath`: a path, or a name looked up in PATH. */
export const createFileTool = (ffmpegPath: () => string): FileTool => ({
  async run({ request, from, to }, onProgress, signal) {
    const path = await program(ffmpegPath())
    const command = ffmpeg({ source: from, stdoutLines: 100 })
      .inputOptions(inputOptions(request))
      .outputOptions(outputOptions(request))
      .output(to)
    command.on('stderr', followProgress(request, onProgress))
    await finish(command, [...(await findLeash()), path], signal)
  },
})
