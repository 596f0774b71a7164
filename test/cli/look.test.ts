/** top, probe and completion; and that no command is slow to start. */
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commands } from '../../src/cli/commands.ts'
import { clip } from '../helpers/clip.ts'
import {
  crosspoint,
  publishTestSource,
  runCrosspoint,
  type Server,
  startServer,
  untilLive,
} from '../helpers/crosspoint.ts'
import { childrenOf } from '../helpers/processes.ts'
import { freePort, runProgram, startProgram, stopPrograms, until } from '../helpers/program.ts'

let folder: string
let server: Server
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crosspoint-look-'))
  server = await startServer(['--recordings', folder])
  publishTestSource({ url: `${server.rtmp}/live/cam` })
  await untilLive(server.http, 'live/cam')
})
afterAll(async () => {
  await stopPrograms()
  await rm(folder, { recursive: true })
})

describe('top', () => {
  const bin = join(import.meta.dirname, '../../bin/crosspoint.js')
  test('one look, in words and as JSON', async () => {
    const { code, output } = await runCrosspoint(['top', '--once', '--gateway', server.http])
    expect(code).toBe(0)
    expect(output).toMatch(
      /^\d\d:\d\d:\d\d {2}http:\S+ {2}1 streams, [\d.]+ [kM]bit\/s in, 0 readers, 0 bridges$/m,
    )
    expect(output).toMatch(/^live\/cam +ready /m)
    const json = await runCrosspoint(['top', '--once', '--json', '--gateway', server.http])
    expect(JSON.parse(json.stdout)).toMatchObject({ streams: [{ name: 'live/cam' }], bridges: [] })
  })
  test('in a pipe it is plain lines, look after look', async () => {
    const program = crosspoint(['top', '--gateway', server.http])
    await until('two looks', () => program.output().split('1 streams').length > 2)
    program.child.kill('SIGINT')
    expect(await program.exited).toBe(0)
    expect(program.output()).not.toContain('\x1b')
  })
  test('a reader that has seen enough ends it, without a trace', async () => {
    const command = `${process.execPath} ${bin} top --gateway ${server.http} | head -n 1`
    const pipe = startProgram('sh', ['-c', command])
    await pipe.exited
    expect(pipe.output()).toMatch(/1 streams/)
    expect(pipe.output()).not.toContain('EPIPE')
  })
  test('on a terminal it draws over itself and leaves the screen as it was', async () => {
    const command = `exec ${process.execPath} ${bin} top --gateway ${server.http}`
    const terminal = startProgram('script', ['-qec', command, '/dev/null'])
    await until('two looks', () => terminal.output().split('\x1b[H').length > 2)
    for (const pid of childrenOf(terminal.child.pid!)) process.kill(pid, 'SIGINT')
    expect(await terminal.exited).toBe(0)
    const [before = '', screen = '', after = ''] = terminal.output().split(/\p{Cc}\[\?1049[hl]/u)
    expect([before, after.trim()]).toEqual(['', ''])
    expect(screen).toContain('live/cam')
  })
})

describe('probe', () => {
  interface Probed {
    readonly seconds: number
    readonly tracks: readonly Record<string, unknown>[]
  }
  test('a live source over RTMP', async () => {
    const url = `${server.rtmp}/live/cam`
    const { code, stdout } = await runCrosspoint(['probe', url, '--duration', '3', '--json'])
    expect(code).toBe(0)
    const { seconds, tracks } = JSON.parse(stdout) as Probed
    expect(seconds).toBeGreaterThanOrEqual(3)
    expect(tracks).toMatchObject([
      { id: 'video', codec: 'h264', width: 640, height: 360, profile: '42c01e' },
      { id: 'audio', codec: 'aac', sampleRate: 44100, channels: 2 },
    ])
    const [video, audio] = tracks as [Record<string, number>, Record<string, number>]
    // A second of it, as a busy machine delivers it.
    expect(video.framesPerSecond).toBeGreaterThan(15)
    expect(video.framesPerSecond).toBeLessThan(60)
    expect(video.keyframeIntervalMs).toBeCloseTo(1000, -2)
    expect(audio.bitsPerSecond).toBeGreaterThan(40_000)
    expect(audio.bitsPerSecond).toBeLessThan(300_000)
  })
  test('a file that ends before the time is up, in words', async () => {
    await copyFile(await clip({ seconds: 2.5, fps: 30, gop: 30 }), join(folder, 'clip.flv'))
    const { code, output } = await runCrosspoint(['probe', 'clip.flv', '--duration', '20'], { cwd: folder })
    expect(code).toBe(0)
    expect(output).toMatch(/^ {2}video: h264 320x180 · \w{6} · \d\d\.\d fps · .*key frame every 1\.00 s$/m)
    expect(output).toMatch(/^measured for [23]\.\d s$/m)
  })
  test('keys are not shown, nobody there is exit code 3', async () => {
    const port = await freePort()
    await writeFile(join(folder, 'url'), `rtmp://127.0.0.1:${port}/live/CANARY`)
    const { code, output } = await runCrosspoint(['probe', `file:${join(folder, 'url')}`])
    expect(code).toBe(3)
    expect(output).toContain('ECONNREFUSED')
    expect(output).not.toContain('CANARY')
    expect(output.trim().split('\n')).toHaveLength(1)
  })
})

describe('completion', () => {
  const script = async (shell: string): Promise<string> => (await runCrosspoint(['completion', shell])).output
  test.each(['bash', 'zsh', 'fish'])('%s knows every command and its options', async shell => {
    const text = await script(shell)
    for (const { name } of commands) expect(text).toContain(name)
    for (const option of ['gateway', 'duration', 'lock-resolution']) expect(text).toContain(option)
  })
  test('bash takes it and completes', async () => {
    const file = join(folder, 'completion.bash')
    await writeFile(file, await script('bash'))
    await runProgram('bash', ['-n', file])
    const complete = (...words: string[]): Promise<string> => {
      const line = `COMP_WORDS=(${words.map(word => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}`
      return runProgram('bash', ['-c', `. "$0"; ${line}; _crosspoint; echo "\${COMPREPLY[@]}"`, file])
    }
    expect(await complete('crosspoint', 'str')).toBe('streams\n')
    expect(await complete('crosspoint', 'kick', '--re')).toBe('--reader --reason\n')
    expect(await complete('crosspoint', 'completion', '')).toContain('bash zsh fish')
  })
  test('a shell that is none', async () => {
    const { code, output } = await runCrosspoint(['completion', 'tcsh'])
    expect([code, output]).toEqual([2, expect.stringContaining('Allowed choices are bash, zsh, fish')])
  })
})

/** They print a line, a script or a token, or have commands of their own that print tables. */
const withoutTable = new Set(['completion', 'demo', 'hangup', 'kick', 'stop', 'token'])
const groups = [
  ['config', 'plan'],
  ['config', 'explain'],
  ['hooks', 'test'],
  ['sip', 'explain'],
  ['job', 'list'],
]

describe('every command', () => {
  test.concurrent.each(commands.map(({ name }) => name))('%s has examples in its help', async name => {
    const { code, output } = await runCrosspoint([name, '--help'])
    expect(code).toBe(0)
    expect(output).toMatch(new RegExp(`Examples:\\n {2}crosspoint ${name}`))
    expect(output).toContain('Exit codes:')
    if (!groups.some(([group]) => group === name))
      expect(output.includes('--json'), 'has --json').toBe(!withoutTable.has(name))
  })
  test.concurrent.each(groups)('%s %s has --json', async (...words) => {
    expect((await runCrosspoint([...words, '--help'])).output).toContain('--json')
  })
  test('what is typed wrong gets a suggestion', async () => {
    expect((await runCrosspoint(['strems'])).output).toContain('Did you mean streams?')
    expect((await runCrosspoint(['kick', 'x', '--raeson', 'y'])).output).toContain('Did you mean --reason?')
  })
  test('those that only ask load neither the core nor the adapters', async () => {
    const trace = ['--trace-event-categories', 'none', '--import']
    const hook = `data:text/javascript,import{registerHooks}from'node:module';registerHooks({load(u,c,n){if(/\\/src\\//.test(u))console.error(u);return n(u,c)}})`
    const bin = join(import.meta.dirname, '../../bin/crosspoint.js')
    const program = startProgram(process.execPath, [...trace.slice(2), hook, bin, 'streams', '--help'])
    expect(await program.exited).toBe(0)
    const loaded = program.output().match(/\/src\/\S+/g) ?? []
    expect(loaded.length).toBeGreaterThan(5)
    expect(loaded.filter(path => /\/src\/(core|adapters|native|config|gateway)/.test(path))).toEqual([])
  })
})
