/** Real programs in tests: started, watched, ended by pid. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'

export interface Program {
  readonly child: ChildProcess
  /** All it wrote to stdout and stderr so far. */
  output(): string
  /** Of it, what it wrote to stdout. */
  stdout(): string
  /** Exit code, or the signal's name. */
  readonly exited: Promise<number | string>
  /** SIGTERM, after three seconds SIGKILL. */
  stop(): Promise<void>
}

export interface ProgramOptions {
  readonly cwd?: string
  /** Beside those of the tests. */
  readonly env?: Readonly<Record<string, string>>
}

const running = new Set<Program>()

export const startProgram = (
  command: string,
  args: readonly string[],
  { cwd, env = {} }: ProgramOptions = {},
): Program => {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd,
    env: { ...process.env, ...env },
  })
  let text = ''
  let stdout = ''
  const collect = (chunk: Buffer): void => {
    text += chunk.toString()
  }
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
    collect(chunk)
  })
  child.stderr.on('data', collect)
  const exited = new Promise<number | string>(resolve => {
    child.on('error', error => resolve(error.message))
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'gone'))
  })
  const program: Program = {
    child,
    output: () => text,
    stdout: () => stdout,
    exited,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 3000)
      await exited
      clearTimeout(timer)
    },
  }
  running.add(program)
  void exited.then(() => running.delete(program))
  return program
}

/** For afterAll: whatever is still running ends. */
export const stopPrograms = async (): Promise<void> => {
  await Promise.all([...running].map(program => program.stop()))
}

/** Runs to the end; rejects with the output when the exit code is not 0. */
export const runProgram = async (command: string, args: readonly string[]): Promise<string> => {
  const program = startProgram(command, args)
  const code = await program.exited
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${program.output().slice(-4000)}`)
  return program.output()
}

/** Waits until `check` holds; `what` is said when it does not within `timeoutMs`. */
export const until = async (
  what: string | (() => string),
  check: () => boolean | Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> => {
  const end = performance.now() + timeoutMs
  while (!(await check())) {
    if (performance.now() > end) {
      throw new Error(`not within ${timeoutMs} ms: ${typeof what === 'string' ? what : what()}`)
    }
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

/** Below those that the system gives to whoever asks for any, so that no connection takes one in between. */
const [firstPort, ports] = [12_000, 20_000]
/** Processes begin far apart, and none gives a port twice. */
let nextPort = (process.pid * 97) % ports

const isFree = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

/** So many ports in a row that nobody was given yet; whether they are free, the caller looks. */
export const portsInTurn = (count: number): number => {
  if ((nextPort % ports) + count > ports) nextPort = 0
  const first = firstPort + (nextPort % ports)
  nextPort += count
  return first
}

/** A port that is free, for programs that cannot choose one themselves. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = portsInTurn(1)
    if (await isFree(port)) return port
  }
}
