import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { publishTestSource, runCrosspoint, untilLive } from '../helpers/crosspoint.ts'
import { runProgram, startProgram, stopPrograms, until } from '../helpers/program.ts'
import { freeDoors } from '../helpers/recipe.ts'

const root = join(import.meta.dirname, '../..')
const recipe = join(root, 'recipes/systemd-service')
const bin = join(root, 'bin/crosspoint.js')
const unit = readFileSync(join(recipe, 'crosspoint.service'), 'utf8')
const setting = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)![1]!

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crosspoint-systemd-'))
})
afterAll(async () => {
  await stopPrograms()
  await rm(folder, { recursive: true })
})

const hasSystemd = await startProgram('systemd-analyze', ['--version']).exited

test.skipIf(hasSystemd !== 0)(
  'systemd takes every line of the unit file, and finds little left open',
  async () => {
    const path = join(folder, 'crosspoint.service')
    // It looks whether the command is there.
    await writeFile(path, unit.replace('/usr/local/bin/crosspoint', '/bin/true'))
    const verified = startProgram('systemd-analyze', ['verify', path])
    expect([await verified.exited, verified.output()]).toEqual([0, ''])
    const rated = startProgram('systemd-analyze', ['security', '--offline=true', '--threshold=25', path])
    expect(await rated.exited, rated.output()).toBe(0)
  },
)

test('its lines start, reload and stop the gateway as they should', async () => {
  const doors = await freeDoors()
  const config = join(folder, 'crosspoint.yaml')
  const yaml = readFileSync(join(recipe, 'crosspoint.yaml'), 'utf8')
    .replace('127.0.0.1:8080', doors.http)
    .replace('127.0.0.1:1935', doors.rtmp)
    .replace('127.0.0.1:8189', doors.webrtc)
    .replace(/minFreeBytes: \d+/, 'minFreeBytes: 1000000')
  await writeFile(config, yaml)
  const http = `http://${doors.http}`

  const [command, ...args] = setting('ExecStart')
    .replace('/etc/crosspoint/crosspoint.yaml', config)
    .split(' ')
  expect(command).toBe('/usr/local/bin/crosspoint')
  const service = startProgram(process.execPath, [bin, ...args], { cwd: folder })
  await until(
    () => `it answers: ${service.output()}`,
    () =>
      fetch(`${http}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      ),
  )
  const publisher = publishTestSource({ url: `rtmp://${doors.rtmp}/live/cam`, size: '160x90' })
  await untilLive(http, 'live/cam')
  await until('it is recorded', async () => (await recordings(http)).some(({ open }) => open))

  const reload = (): Promise<string> =>
    runProgram('env', [`MAINPID=${service.child.pid}`, 'sh', '-c', setting('ExecReload')])
  const running = async (): Promise<Running> => (await (await fetch(`${http}/v1/config`)).json()) as Running
  const graceMs = async () => (await running()).keys.find(({ key }) => key === 'streams.graceMs')?.value

  await writeFile(config, `${yaml}\nstreams: { graceMs: 1234 }\n`)
  const planned = await runCrosspoint(['config', 'plan', config, '--gateway', http])
  expect(planned).toMatchObject({
    code: 0,
    output: expect.stringMatching(/streams\.graceMs +10000 +1234 +live/),
  })
  expect(await graceMs()).toBe(10_000)
  await reload()
  await until('the new value holds', async () => (await graceMs()) === 1234)

  await writeFile(config, `${yaml}\nstreems: { graceMs: 1 }\n`)
  expect(await runCrosspoint(['config', 'check', config])).toMatchObject({
    code: 2,
    output: expect.stringContaining('did you mean streams'),
  })
  await reload()
  await until('the bad file is said', async () => (await running()).lastReload?.error != null)
  expect(await graceMs()).toBe(1234)
  expect(service.output()).toContain('did you mean streams')
  expect([service.child.exitCode, publisher.child.exitCode]).toEqual([null, null])
  expect((await recordings(http)).length).toBe(1)

  const [file] = await readdir(join(folder, 'recordings/live/cam'))
  const path = join(folder, 'recordings/live/cam', file!)
  const lastPacket = ['-v', 'error', '-show_entries', 'packet=pts_time', '-of', 'csv=p=0', path]
  await until('a second is recorded', async () =>
    (await runProgram('ffprobe', lastPacket)).split(/\s+/).some(time => Number.parseFloat(time) >= 1),
  )
  service.child.kill('SIGTERM')
  expect(await service.exited).toBe(0)
  const duration = ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', path]
  expect(Number(await runProgram('ffprobe', duration))).toBeGreaterThan(0.5)
  expect(await runProgram('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-'])).toBe('')
})

interface Running {
  readonly keys: readonly { readonly key: string; readonly value: unknown }[]
  readonly lastReload: { readonly error: string | null } | null
}
const recordings = async (http: string): Promise<readonly { readonly open: boolean }[]> =>
  (await (await fetch(`${http}/v1/recordings`)).json()).recordings
