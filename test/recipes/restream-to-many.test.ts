import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { publishTestSource } from '../helpers/crosspoint.ts'
import { decodeErrors } from '../helpers/flv.ts'
import { startNginxRtmp } from '../helpers/nginx-rtmp.ts'
import { freePort, runProgram, stopPrograms, until } from '../helpers/program.ts'
import { startRecipe } from '../helpers/recipe.ts'
import { gapsOf, startScriptedSink, timesOf } from '../helpers/scripted-sink.ts'

const folder = mkdtempSync(join(tmpdir(), 'restream-recipe-'))
afterAll(async () => {
  await stopPrograms()
  rmSync(folder, { recursive: true })
})

test('restream-to-many: --explain says what a service wants and what is done about it', async () => {
  const sink = await startScriptedSink(() => 'take')
  const clip = join(folder, 'clip.flv')
  await runProgram('ffmpeg', [
    ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30:duration=20'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
    ...['-g', '90', '-sc_threshold', '0', '-b:v', '800k', '-an', clip],
  ])
  const url = `${sink.url('SECRETKEY')}#profile=youtube`
  const recipe = startRecipe('restream-to-many', [clip, url], { CROSSPOINT_FLAGS: '--explain' })
  expect(await recipe.exited).toBe(0)
  expect(recipe.output()).toMatch(
    /repaired {2}audio: none, wanted aac at 48000 or 44100 Hz; silence is inserted/,
  )
  expect(recipe.output()).toMatch(
    /keyframes: every 3\.0 s, wanted every 2 s or less; the picture is encoded anew/,
  )
  expect(recipe.output()).toMatch(/ok {2}h264-profile: /)
  expect(recipe.output()).toMatch(/bitrate: \d+ kbit\/s, wanted 300 to 4000 kbit\/s for 360p30/)
  expect(recipe.output()).not.toContain('SECRETKEY')
  await sink.close()
})

test('restream-to-many', async () => {
  const source = await startNginxRtmp()
  const publisher = publishTestSource({ url: source.url('cam'), seconds: 60 })
  const [steady, shaky, refusing] = await Promise.all([
    startScriptedSink(() => 'take'),
    startScriptedSink(n => (n === 0 ? 'reset' : 'take')),
    startScriptedSink(() => 'bad-name'),
  ])
  const latePort = await freePort()
  const copy = join(folder, 'copy.flv')
  const recipe = startRecipe('restream-to-many', [
    source.url('cam'),
    `${steady.url('KEY')}#profile=youtube`,
    shaky.url('KEY'),
    refusing.url('KEY'),
    `rtmp://127.0.0.1:${latePort}/live/KEY`,
    copy,
  ])
  const has = (sink: typeof steady, n: number, pictures: number): boolean =>
    (sink.connections[n] === undefined ? 0 : timesOf(sink.connections[n], 9).length) > pictures
  await until(
    () => `the steady one takes: ${recipe.output()}`,
    () => has(steady, 0, 60),
    20_000,
  )
  await until('the shaky one is back', () => has(shaky, 1, 60))
  const late = await startNginxRtmp(latePort)
  await runProgram('ffmpeg', ['-v', 'error', '-i', late.url('KEY'), '-t', '1', '-f', 'null', '-'])
  expect(refusing.connections).toHaveLength(1)

  await publisher.stop()
  recipe.child.kill('SIGINT')
  await recipe.exited
  expect(steady.connections).toHaveLength(1)
  expect(gapsOf(timesOf(steady.connections[0]!, 9)).longest).toBeLessThanOrEqual(40)
  expect(recipe.output()).toContain('BadName')
  expect(await decodeErrors(copy)).toBe('')
  await Promise.all([source.stop(), late.stop(), steady.close(), shaky.close(), refusing.close()])
})
