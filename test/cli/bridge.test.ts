/** `crosspoint bridge` alone, with files at both ends and with doors of its own. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { access, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { crosspoint, publishTestSource, runCrosspoint } from '../helpers/crosspoint.ts'
import { decodeErrors, probe } from '../helpers/flv.ts'
import { freePort, runProgram, stopPrograms, until } from '../helpers/program.ts'
import { startScriptedSink } from '../helpers/scripted-sink.ts'

let folder: string
let clip: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crosspoint-bridge-'))
  clip = join(folder, 'clip.flv')
  await publishTestSource({ url: clip, seconds: 3 }).exited
})
afterAll(async () => {
  await stopPrograms()
  await rm(folder, { recursive: true })
})
const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

test('a file goes into a file: the plan is said, every picture arrives, exit code 0', async () => {
  const { code, output } = await runCrosspoint(['bridge', 'clip.flv', 'copy.flv'], { cwd: folder })
  expect(output).toContain('clip.flv → copy.flv\n  video h264 640x360: copy\n  audio aac 44100: copy\n')
  expect(output).toContain('copy.flv: ended')
  expect(code).toBe(0)
  const [before, after] = [await probe(clip), await probe(join(folder, 'copy.flv'))]
  const of = (probed: typeof before, name: string) => {
    const stream = probed.streams.findIndex(({ codec_name }) => codec_name === name)
    return probed.packets.filter(packet => packet.stream === stream).length
  }
  expect(of(after, 'h264')).toBe(of(before, 'h264'))
  // Sound from before the first key frame is left out: at most two packets of 23 ms here.
  expect(of(after, 'aac')).toBeGreaterThanOrEqual(of(before, 'aac') - 2)
  expect(await decodeErrors(join(folder, 'copy.flv'))).toBe('')
})

test('--explain says the plan and writes nothing', async () => {
  const { code, output } = await runCrosspoint(['bridge', clip, join(folder, 'never.flv'), '--explain'])
  expect(output).toContain('video h264 640x360: copy')
  expect(code).toBe(0)
  expect(await exists(join(folder, 'never.flv'))).toBe(false)
})

test('--explain leaves destinations alone: none is called', async () => {
  const sink = await startScriptedSink(() => 'take')
  const { code, output } = await runCrosspoint(['bridge', clip, sink.url('KEY'), '--explain'])
  expect(output).toContain('video h264 640x360: copy')
  expect([code, sink.connections]).toEqual([0, []])
  await sink.close()
})

test('--explain can be stopped while its source does not answer', async () => {
  const phone = createSocket('udp4').bind(0, '127.0.0.1')
  const called = once(phone, 'message')
  await once(phone, 'listening')
  const program = crosspoint([
    'bridge',
    `sip:bob@127.0.0.1:${phone.address().port}`,
    'never.flv',
    '--explain',
  ])
  await called
  program.child.kill('SIGINT')
  // A phone that says nothing is given up after 32 s only.
  const late = AbortSignal.timeout(20_000)
  expect(await Promise.race([program.exited, once(late, 'abort')])).toBe(0)
  phone.close()
})

test('--explain --json is one object', async () => {
  const { code, stdout } = await runCrosspoint([
    'bridge',
    clip,
    join(folder, 'never.flv'),
    '--explain',
    '--json',
  ])
  expect(code).toBe(0)
  const plan = JSON.parse(stdout) as { legs: { plan: { ok: boolean; tracks: object[] } }[] }
  expect(plan.legs[0]!.plan.tracks).toMatchObject([
    { source: 'video', codec: 'h264', steps: [{ op: 'copy' }] },
    { source: 'audio', codec: 'aac', steps: [{ op: 'copy' }] },
  ])
})

test('--duration ends a source that would go on, with exit code 0', async () => {
  const target = join(folder, 'short.flv')
  const { code, output } = await runCrosspoint(['bridge', `${clip}?loop=true`, target, '--duration', '2'])
  expect(output).toContain('stopped after 2 s')
  expect(code).toBe(0)
  const { durationS } = await probe(target)
  expect(durationS).toBeGreaterThan(1)
  expect(durationS).toBeLessThan(3)
})

const ownDoors = ['http', 'rtmp', 'webrtc'].flatMap(door => [`--${door}`, '127.0.0.1:0'])

test.concurrent.each([
  { from: 'stream:none', to: 'file' },
  { from: 'stream:none', to: 'rtmp' },
  { from: 'stream:none', to: 'rtmp', retry: true },
  { from: 'udp', to: 'file' },
])('--duration also runs while nobody comes: %o', async ({ from, to, retry = false }) => {
  const ends = {
    'stream:none': 'stream:none',
    udp: `udp://127.0.0.1:${await freePort()}`,
    file: join(folder, `nothing-of-${from.slice(0, 3)}.flv`),
    rtmp: `rtmp://127.0.0.1:${await freePort()}/live/KEY`,
  } as const
  const [source, target] = [ends[from as 'udp'], ends[to as 'file']]
  const flags = [...ownDoors, '--duration', '1', ...(retry ? ['--retry'] : [])]
  const { code, output } = await runCrosspoint(['bridge', source, target, ...flags])
  expect(output).toContain(
    `crosspoint: The stream is not live: nothing came from ${source} within 1 s (--duration)\n`,
  )
  expect(code).toBe(3)
})

test('--duration: a destination that was tried again and again and never reached is told, with its exit code', async () => {
  const target = `rtmp://127.0.0.1:${await freePort()}/live/KEY`
  const { code, output } = await runCrosspoint([
    ...['bridge', `${clip}?loop=true`, target, '--retry', '--duration', '1'],
  ])
  expect(output).toMatch(/^ended: unpublished: stopped after 1 s\ncrosspoint: .* ECONNREFUSED/m)
  expect(code).toBe(3)
})

test('nothing is overwritten', async () => {
  const { code, output } = await runCrosspoint(['bridge', clip, clip])
  expect(output).toContain('is there already')
  expect(code).toBe(2)
})

test('a missing file is named', async () => {
  const { code, output } = await runCrosspoint(['bridge', join(folder, 'none.flv'), join(folder, 'x.flv')])
  expect(output).toBe(`crosspoint: There is no such thing: the file ${join(folder, 'none.flv')}\n`)
  expect(output.trim().split('\n')).toHaveLength(1)
  expect(code).toBe(3)
})

test('one destination that fails leaves the other alone and decides the exit code', async () => {
  const port = await freePort()
  const target = join(folder, 'survivor.flv')
  const { code, output } = await runCrosspoint(['bridge', clip, `rtmp://127.0.0.1:${port}/live/KEY`, target])
  expect(output).toMatch(/^crosspoint: rtmp:\S+\/live\/\*\*\*: The remote end .* ECONNREFUSED/m)
  expect(output).not.toContain('KEY')
  expect(code).toBe(3)
  expect((await probe(target)).durationS).toBeGreaterThan(2.5)
})

test('a file becomes a stream of our own doors, and back', async () => {
  const [http, rtmp] = [await freePort(), await freePort()]
  const doors = ['--http', `127.0.0.1:${http}`, '--rtmp', `127.0.0.1:${rtmp}`, '--webrtc', '127.0.0.1:0']
  const player = crosspoint(['bridge', `${clip}?loop=true`, 'stream:live/film', ...doors])
  await until(
    () => `it plays: ${player.output()}`,
    async () =>
      (await fetch(`http://127.0.0.1:${http}/v1/streams/live%2Ffilm`).catch(() => undefined))?.ok === true,
  )
  const url = `rtmp://127.0.0.1:${rtmp}/live/film`
  const seen = await runProgram('ffprobe', [
    '-v',
    'error',
    '-show_entries',
    'stream=codec_name',
    '-of',
    'csv=p=0',
    url,
  ])
  expect(seen).toMatch(/h264/)
  await player.stop()
  expect(await player.exited).toBe(0)
})

test('a publisher is waited for at our own door', async () => {
  const rtmp = await freePort()
  const target = join(folder, 'received.flv')
  const doors = ['--http', '127.0.0.1:0', '--rtmp', `127.0.0.1:${rtmp}`, '--webrtc', '127.0.0.1:0']
  const recorder = crosspoint(['bridge', 'stream:live/cam', target, ...doors])
  await until('its door is open', () => recorder.output().includes('Publish live/cam'))
  await publishTestSource({ url: `rtmp://127.0.0.1:${rtmp}/live/cam`, seconds: 3 }).exited
  expect(await recorder.exited).toBe(0)
  expect((await probe(target)).durationS).toBeGreaterThan(2)
})
