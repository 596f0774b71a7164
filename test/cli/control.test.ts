/** The commands that ask and tell a running gateway, against `crosspoint serve` and a real publisher. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  crosspoint,
  findStream,
  publishTestSource,
  runCrosspoint,
  type Server,
  startServer,
  untilLive,
} from '../helpers/crosspoint.ts'
import { probe } from '../helpers/flv.ts'
import { freePort, runProgram, startProgram, stopPrograms, until } from '../helpers/program.ts'

let folder: string
let server: Server
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crosspoint-control-'))
  server = await startServer(['--recordings', folder])
  publishTestSource({ url: `${server.rtmp}/live/cam` })
  await untilLive(server.http, 'live/cam')
})
afterAll(async () => {
  await stopPrograms()
  await rm(folder, { recursive: true })
})

const ask = (...args: string[]) => runCrosspoint([...args, '--gateway', server.http], { cwd: folder })
const askJson = async (...args: string[]): Promise<Record<string, unknown>> => {
  const { code, stdout } = await ask(...args, '--json')
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^\{.*\}\n$/)])
  return JSON.parse(stdout) as Record<string, unknown>
}
interface Listed {
  readonly id: string
  readonly state: string
  readonly legs: readonly { readonly to: string; readonly bytes: number }[]
}
const bridgeInfo = async (id: string): Promise<Listed> => (await askJson('bridges', id)) as unknown as Listed

describe('streams and inspect', () => {
  test('a table, and the same as JSON', async () => {
    const { code, output } = await ask('streams')
    expect(code).toBe(0)
    expect(output).toMatch(/^STREAM +STATE +LIVE FOR +TRACKS +BIT RATE +READERS +PUBLISHER$/m)
    expect(output).toMatch(
      /^live\/cam +ready .*h264 640x360, aac 44100 Hz 2 ch .*bit\/s +0 +rtmp 127\.0\.0\.1/m,
    )
    expect(await askJson('streams')).toMatchObject({ streams: [{ name: 'live/cam', state: 'ready' }] })
  })
  test('one stream with its readers, their plans and numbers', async () => {
    const viewer = startProgram('ffmpeg', [
      ...['-v', 'error', '-nostdin', '-i', `${server.http}/live/cam.flv`, '-c', 'copy', '-f', 'null', '-'],
    ])
    await until('a viewer', async () => (await findStream(server.http, 'live/cam'))?.viewers === 1)
    await until('numbers', async () =>
      / 30\.\d fps .*key frame every[\s\S]*latency/.test((await ask('inspect', 'live/cam')).output),
    )
    const { code, output } = await ask('inspect', 'live/cam')
    expect(code).toBe(0)
    expect(output).toMatch(/^live\/cam {2}ready · \d+ s$/m)
    expect(output).toMatch(/^ {2}video: h264 640x360 · \w{6} · frames · [1-5]\d\.\d fps · [\d.]+ [kM]bit\/s/m)
    expect(output).toMatch(/key frame every (0\.9|1\.0)\d s/)
    expect(output).toMatch(/^→ http-flv 127\.0\.0\.1\S* {2}\(reader \w+, \d+ s\)$/m)
    expect(output).toContain('    video h264 640x360 → copy → h264 frames')
    expect(output).toMatch(/latency \d+\.\d\d ms · .*dropped/)
    await viewer.stop()
  })
  test('a stream that is not there is a sentence and exit code 3', async () => {
    const { code, output } = await ask('inspect', 'live/none')
    expect([code, output]).toEqual([3, 'crosspoint: The stream is not live: live/none\n'])
  })
})

describe('record, restream, bridges, stop', () => {
  test('a recording is left to the gateway, listed and stopped', async () => {
    const { id } = await askJson('record', 'live/cam', 'cam.flv')
    await until('bytes', async () => (await bridgeInfo(String(id))).legs[0]!.bytes > 100_000)
    const { output } = await ask('bridges')
    expect(output).toMatch(/^ID +FROM +TO +STATE +SENT +RETRIES +LAST ERROR$/m)
    expect(output).toMatch(new RegExp(`^${id} +stream:live/cam +cam\\.flv +live +[\\d.]+ [kM]B +0$`, 'm'))
    expect((await ask('bridges', String(id))).output).toContain('video h264 640x360 → copy → h264 frames')
    expect(await ask('stop', String(id))).toMatchObject({ code: 0, output: `Stopped ${id}.\n` })
    expect((await bridgeInfo(String(id))).state).toBe('ended')
    expect((await probe(join(folder, 'cam.flv'))).durationS).toBeGreaterThan(0.3)
  })
  test('--duration: what nothing came of, or went to, is told, with exit code 3', async () => {
    const nowhere = `rtmp://127.0.0.1:${await freePort()}/live/x`
    const [silent, unreached] = await Promise.all([
      ask('restream', 'live/none', nowhere, '--duration', '1'),
      ask('restream', 'live/cam', nowhere, '--duration', '1'),
    ])
    expect([silent.code, silent.output]).toEqual([
      3,
      expect.stringContaining(
        'crosspoint: The stream is not live: nothing came from stream:live/none within 1 s (--duration)\n',
      ),
    ])
    expect([unreached.code, unreached.output]).toEqual([
      3,
      expect.stringMatching(/^crosspoint: The remote end cannot be reached: /m),
    ])
  })

  test('--duration stops it and tells how it went', async () => {
    const beganMs = performance.now()
    const { code, output } = await ask('record', 'live/cam', 'short.flv', '--duration', '1.5')
    const tookS = (performance.now() - beganMs) / 1000
    expect(code).toBe(0)
    expect(output).toMatch(/→ short\.flv: ended · [\d.]+ kB/)
    const { durationS } = await probe(join(folder, 'short.flv'))
    expect(durationS).toBeGreaterThan(0.5)
    // It may begin with the pictures since the last key frame.
    expect(durationS).toBeLessThan(tookS + 2)
  })
  test('Ctrl-C stops what --follow watches', async () => {
    const program = crosspoint(
      ['record', 'live/cam', 'followed.flv', '--follow', '--gateway', server.http],
      {},
    )
    await until('it runs', () => program.output().includes('followed.flv: live'))
    program.child.kill('SIGINT')
    expect(await program.exited).toBe(0)
    expect(program.output()).toContain('followed.flv: ended')
  })
  test('a key out of a file goes out and is never shown', async () => {
    const target = await startServer()
    await writeFile(join(folder, 'url'), `${target.rtmp}/live/CANARY\n`)
    const { code, output } = await ask('restream', 'live/cam', 'file:url')
    expect(code).toBe(0)
    expect(output).not.toContain('CANARY')
    await untilLive(target.http, 'live/CANARY')
    const id = /^\w{8}/.exec(output)![0]
    expect((await ask('bridges')).output).not.toContain('CANARY')
    expect((await ask('stop', id)).code).toBe(0)
    await target.stop()
  })
  test('one of several destinations is stopped by its number', async () => {
    const { id } = await askJson('restream', 'live/cam', `${server.rtmp}/only/one`, `${server.rtmp}/only/two`)
    await untilLive(server.http, 'only/two')
    const shown = async (): Promise<string> => (await ask('bridges', String(id))).output
    expect(await shown()).toMatch(/^1 → rtmp:.*live[\s\S]*^2 → rtmp:.*live/m)
    expect(await ask('stop', String(id), '--only', '2')).toMatchObject({
      ...{ code: 0, output: `Stopped destination 2 of ${id}.\n` },
    })
    expect(await shown()).toMatch(/^1 → rtmp:.*live[\s\S]*^2 → rtmp:.*ended/m)
    await until('its stream has ended', async () => (await findStream(server.http, 'only/two')) === undefined)
    expect((await ask('stop', String(id), '--only', '3')).output).toContain('a destination at this place')
    expect((await ask('stop', String(id), String(id), '--only', '1')).code).toBe(2)
    expect((await ask('stop', String(id))).code).toBe(0)
    expect(await findStream(server.http, 'live/cam')).toBeDefined()
  })
  test.each([
    [['restream', 'live/cam', 'env:CROSSPOINT_NOT_SET'], 2, 'nothing stands in env:CROSSPOINT_NOT_SET'],
    [['restream', 'live/cam', 'youtube:file:none'], 2, 'none: ENOENT'],
    [['restream', 'live/cam', 'gopher://x/y/z'], 2, 'nothing here can write to gopher:'],
    [['record', 'live/cam', '../x.flv'], 2, 'The stream name is not allowed'],
    [['stop', 'ffffffff'], 3, 'no bridge has this id'],
    [['bridges', 'ffffffff'], 3, 'no bridge has this id'],
    [['kick', 'live/none'], 3, 'live/none'],
    [['kick', 'live/cam', '--reader', 'none'], 3, 'no reader with this id'],
  ])('crosspoint %j exits with %i', async (args, code, sentence) => {
    const result = await ask(...args)
    expect(result.output).toContain(sentence)
    expect(result.output.trim().split('\n')).toHaveLength(1)
    expect(result.code).toBe(code)
  })
})

describe('play, kick and events', () => {
  test('a file plays until its stream is ended; both are events', async () => {
    await publishTestSource({ url: join(folder, 'clip.flv'), seconds: 2 }).exited
    const flags = ['events', '--stream', 'live/film', '--gateway', server.http]
    const lines = crosspoint(flags)
    const objects = crosspoint([...flags, '--type', 'stream:*', '--json'])
    const player = crosspoint(['play', 'clip.flv', 'live/film', '--loop', '--gateway', server.http], {
      cwd: folder,
    })
    await untilLive(server.http, 'live/film')
    const url = `${server.rtmp}/live/film`
    const entries = ['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', url]
    expect(await runProgram('ffprobe', entries)).toMatch(/h264/)
    await until('its start', () => /stream:ready +live\/film/.test(lines.output()))
    expect(await ask('kick', 'live/film', '--reason', 'enough')).toMatchObject({ code: 0 })
    await until('its end', () => /stream:closed +live\/film .*enough/.test(lines.output()))
    await until('its end as JSON', () => objects.output().split('\n').length > 2)
    const types = objects
      .output()
      .trim()
      .split('\n')
      .map(line => (JSON.parse(line) as { type: string }).type)
    expect(types).toEqual(['stream:ready', 'stream:closed'])
    expect(await player.exited).not.toBe('SIGKILL')
    lines.child.kill('SIGINT')
    expect(await lines.exited).toBe(0)
    await objects.stop()
  })
  test('a file that is not there', async () => {
    expect(await ask('play', 'none.flv', 'live/x')).toMatchObject({
      code: 3,
      output: 'crosspoint: There is no such thing: none.flv is not there or cannot be read\n',
    })
  })
})

describe('reaching the gateway', () => {
  test.each(['streams', 'bridges', 'events'])('%s: none runs', async command => {
    const port = await freePort()
    const { code, output } = await runCrosspoint([command, '--gateway', `http://127.0.0.1:${port}`])
    expect(code).toBe(3)
    expect(output).toMatch(/^crosspoint: .*no gateway answers at http:\/\/127\.0\.0\.1:\d+ \(ECONNREFUSED\)/)
    expect(output.trim().split('\n')).toHaveLength(1)
  })
  test('a URL that is none', async () => {
    const { code, output } = await runCrosspoint(['streams', '--gateway', 'localhost:8080'])
    expect([code, output]).toEqual([2, expect.stringContaining('--gateway is an http: or https: URL')])
  })
  test('a token lets in, without one the refusal is a sentence', async () => {
    const key = '0123456789abcdef'
    await writeFile(join(folder, 'access.yaml'), `access: { api: [{ key: ${key} }] }\n`)
    await writeFile(join(folder, 'token'), `${key}\n`)
    const guarded = await startServer(['--config', join(folder, 'access.yaml')])
    const at = ['bridges', '--gateway', guarded.http]
    expect(await runCrosspoint(at)).toMatchObject({ code: 3, output: expect.stringContaining('Credentials') })
    const inside = await runCrosspoint([...at, '--token', `file:${join(folder, 'token')}`])
    expect(inside).toMatchObject({ code: 0, output: 'There are no bridges.\n' })
    await guarded.stop()
  })
})
