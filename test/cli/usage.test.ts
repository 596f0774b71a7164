/** What is typed wrong, what is missing, and what the exit code says of it. */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCrosspoint } from '../helpers/crosspoint.ts'
import { freePort, startProgram, stopPrograms } from '../helpers/program.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crosspoint-cli-'))
})
afterAll(async () => {
  await stopPrograms()
  await rm(folder, { recursive: true })
})

const bin = join(import.meta.dirname, '../../bin')

/** The file of bin/ in a package of its own. */
const alone = async (file: string, engines: string): Promise<string> => {
  const root = await mkdtemp(join(folder, 'package-'))
  await mkdir(join(root, 'bin'))
  await copyFile(join(bin, file), join(root, 'bin', file))
  await writeFile(join(root, 'package.json'), JSON.stringify({ type: 'module', engines: { node: engines } }))
  return join(root, 'bin', file)
}

const run = async (path: string, args: readonly string[] = [], env: Record<string, string> = {}) => {
  const program = startProgram('/usr/bin/env', [
    ...Object.entries(env).map(pair => pair.join('=')),
    process.execPath,
    path,
    ...args,
  ])
  return { code: await program.exited, output: program.output() }
}

describe('bin/crosspoint.js', () => {
  test('a Node older than the engines gets one sentence', async () => {
    const { code, output } = await run(await alone('crosspoint.js', '>=99.1'))
    expect(code).toBe(1)
    expect(output.trim().split('\n')).toHaveLength(1)
    expect(output).toContain(`needs Node.js >=99.1, this is ${process.versions.node}`)
  })
  test('a package that was not built says so', async () => {
    const { code, output } = await run(await alone('crosspoint.js', '>=1'))
    expect(code).toBe(1)
    expect(output.trim().split('\n')).toHaveLength(1)
    expect(output).toContain('npm run build')
  })
})

describe('bin/setup.js', () => {
  test('a missing program is named with the command that installs it', async () => {
    // An apt-get that installs nothing: as root it is called, otherwise it is only named.
    const tools = await mkdtemp(join(folder, 'tools-'))
    await writeFile(join(tools, 'apt-get'), '#!/bin/sh\necho "apt-get $*" >&2\nexit 0\n', { mode: 0o755 })
    const { code, output } = await run(join(bin, 'setup.js'), ['demo'], { PATH: tools })
    expect(code).toBe(1)
    expect(output).toContain('ffmpeg')
    expect(output).toMatch(/apt-get install .*ffmpeg/)
  })
  test('nothing is asked of apt-get when everything is there', async () => {
    const { code, output } = await run(join(bin, 'setup.js'), ['test'])
    expect([code, output]).toEqual([0, ''])
  })
  test('an unknown purpose gets the usage', async () => {
    const { code, output } = await run(join(bin, 'setup.js'), ['tset'])
    expect(code).toBe(1)
    expect(output).toContain('usage: node bin/setup.js demo|test')
  })
})

describe('the command line', () => {
  test.each([
    [['sevre'], 2, "unknown command 'sevre'", 'Did you mean serve?'],
    [['serve', '--rtpm', ':1'], 2, "unknown option '--rtpm'", 'Did you mean --rtmp?'],
    [['bridge', 'a.flv', 'b.flv', '--explian'], 2, "unknown option '--explian'", 'Did you mean --explain?'],
    [['bridge', 'a.flv'], 2, "missing required argument 'to'", ''],
    [['bridge', 'a.flv', 'b.flv', '--duration', 'x'], 2, 'a time above 0', ''],
    [['bridge', 'gopher://a', 'b.flv'], 2, 'nothing here can read from gopher:', 'sip: sips: stream:'],
    [['bridge', 'rtmp://127.0.0.1/live/x', 'stream:../x'], 2, 'The stream name is not allowed', ''],
    [['serve', '--http', '127.0.0.1'], 2, 'http.listen: "127.0.0.1" is not HOST:PORT', ''],
    [['serve', '--config', '/nonexistent/x.yaml'], 2, '/nonexistent/x.yaml', ''],
  ])('crosspoint %j exits with %i', async (args, code, sentence, advice) => {
    const result = await runCrosspoint(args, { cwd: folder })
    expect(result.output).toContain(sentence)
    expect(result.output).toContain(advice)
    expect(result.output).not.toMatch(/\n\s+at /)
    expect(result.code).toBe(code)
  })

  test('an unknown key of the configuration is named with what was meant', async () => {
    const file = join(folder, 'typo.yaml')
    await writeFile(file, 'rtmp:\n  listen:\n    prot: 1\nwebtrc: {}\n')
    const { code, output } = await runCrosspoint(['serve', '--config', file])
    expect(output).toContain('unknown key webtrc: did you mean webrtc?')
    expect(output).toContain('unknown key rtmp.listen.prot: did you mean port?')
    expect(code).toBe(2)
  })

  test.each(['http', 'rtmp'])('an address that is taken is named with its flag: %s', async door => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => taken.once('listening', resolve))
    const { port } = taken.address() as { port: number }
    const free = Object.fromEntries(['http', 'rtmp', 'webrtc'].map(name => [name, '127.0.0.1:0']))
    const flags = Object.entries({ ...free, [door]: `127.0.0.1:${port}` }).flatMap(([name, at]) => [
      `--${name}`,
      at,
    ])
    const { code, output } = await runCrosspoint(['serve', '--log-level', 'error', ...flags])
    taken.close()
    expect(output.trim().split('\n')).toHaveLength(1)
    expect(output).toContain(`127.0.0.1:${port}`)
    expect(output).toContain(`--${door} HOST:PORT`)
    expect(code).toBe(5)
  })

  test('nobody answers: exit code 3 and one sentence without the key', async () => {
    const port = await freePort()
    const { code, output } = await runCrosspoint([
      'bridge',
      `rtmp://127.0.0.1:${port}/live/SECRET`,
      join(folder, 'x.flv'),
    ])
    expect(output.trim().split('\n')).toHaveLength(1)
    expect(output).toContain('ECONNREFUSED')
    expect(output).not.toContain('SECRET')
    expect(code).toBe(3)
  })

  test('--help and --version', async () => {
    const help = await runCrosspoint(['--help'])
    expect(help.code).toBe(0)
    expect(help.output).toMatch(/Exit codes:\s+0 /)
    expect(await runCrosspoint(['--version'])).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    })
  })
})
