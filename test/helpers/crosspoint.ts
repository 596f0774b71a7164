/** The real command line in tests: `bin/crosspoint.js`, as a user runs it. */
import { join } from 'node:path'
import { type Program, type ProgramOptions, startProgram, until } from './program.ts'

const bin = join(import.meta.dirname, '../../bin/crosspoint.js')

/** Starts `crosspoint …args` with the Node that runs the tests. */
export const crosspoint = (args: readonly string[], options: ProgramOptions = {}): Program =>
  startProgram(process.execPath, [bin, ...args], options)

export interface Finished {
  readonly code: number | string
  /** What it said on stdout and stderr. */
  readonly output: string
  /** What another program reads of it: nothing but JSON where that was asked for. */
  readonly stdout: string
}

/** Whatever Node itself has to warn of is a fault in the program. */
const expectNoWarning = (program: Program): void => {
  const warning = /^\(node:\d+\) .*$/m.exec(program.output())
  if (warning !== null) throw new Error(`crosspoint was warned by Node: ${warning[0]}`)
}

/** Runs `crosspoint …args` to its end. Rejects when Node has warned of something. */
export const runCrosspoint = async (
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<Finished> => {
  const program = crosspoint(args, options)
  const code = await program.exited
  expectNoWarning(program)
  return { code, output: program.output(), stdout: program.stdout() }
}

export interface Server {
  readonly program: Program
  readonly http: string
  readonly rtmp: string
  /** Rejects when Node has warned of something. */
  stop(): Promise<number | string>
}

/** `crosspoint serve` on free ports; resolves once every door is open. */
export const startServer = async (args: readonly string[] = []): Promise<Server> => {
  const free = ['--http', '127.0.0.1:0', '--rtmp', '127.0.0.1:0', '--webrtc', '127.0.0.1:0']
  const program = crosspoint(['serve', '--json', ...free, ...args])
  const found = (): string | undefined => /^\{"doors":.*\}$/m.exec(program.output())?.[0]
  let over = false
  void program.exited.then(() => {
    over = true
  })
  await until(
    () => `crosspoint serve said: ${program.output()}`,
    () => over || found() !== undefined,
  )
  if (over) throw new Error(`crosspoint serve ended: ${program.output()}`)
  const { doors } = JSON.parse(found()!) as { doors: Record<string, { address: string; port: number }> }
  const at = (name: string): string => `${doors[name]!.address}:${doors[name]!.port}`
  return {
    program,
    http: `http://${at('http')}`,
    rtmp: `rtmp://${at('rtmp')}`,
    async stop() {
      await program.stop()
      expectNoWarning(program)
      return program.exited
    },
  }
}

export interface TestSource {
  readonly url: string
  /** `640x360` */
  readonly size?: string
  readonly seconds?: number
  readonly videoOptions?: readonly string[]
}

/** ffmpeg publishes a moving picture at 30 frames per second and a stereo tone of 1 kHz in real time. */
export const publishTestSource = ({
  url,
  size = '640x360',
  seconds,
  videoOptions = [],
}: TestSource): Program =>
  startProgram('ffmpeg', [
    ...['-hide_banner', '-loglevel', 'error', '-nostdin'],
    ...['-re', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=30`],
    ...['-re', '-f', 'lavfi', '-i', 'sine=frequency=1000:sample_rate=44100'],
    ...(seconds === undefined ? [] : ['-t', String(seconds)]),
    ...['-c:v', 'libx264', '-preset', 'superfast', '-tune', 'zerolatency', '-profile:v', 'baseline'],
    ...['-pix_fmt', 'yuv420p', '-g', '30', '-b:v', '1500k', ...videoOptions],
    ...['-c:a', 'aac', '-b:a', '128k', '-ac', '2', '-f', 'flv', url],
  ])

/** What the API says of a stream; undefined when it is not live. */
export const findStream = async (
  http: string,
  name: string,
): Promise<Record<string, unknown> | undefined> => {
  const response = await fetch(`${http}/v1/streams/${encodeURIComponent(name)}`)
  return response.ok ? ((await response.json()) as Record<string, unknown>) : undefined
}

export const untilLive = (http: string, name: string): Promise<void> =>
  until(`${name} is live`, async () => (await findStream(http, name))?.state === 'ready', 20_000)

/** POSTs JSON to the API. */
export const post = (url: string, body: unknown): Promise<Response> =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
