import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { publishTestSource } from '../helpers/crosspoint.ts'
import { decodeErrors, probe } from '../helpers/flv.ts'
import { startNginxRtmp } from '../helpers/nginx-rtmp.ts'
import { runProgram, stopPrograms, until } from '../helpers/program.ts'
import { startRecipe } from '../helpers/recipe.ts'

afterAll(stopPrograms)

test('pull-and-relay', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'crosspoint-recipe-'))
  const [near, far] = [await startNginxRtmp(), await startNginxRtmp()]
  const source = publishTestSource({ url: near.url('cam'), seconds: 60 })
  const copy = join(folder, 'copy.flv')
  const recipe = startRecipe('pull-and-relay', [near.url('cam'), far.url('cam'), copy])
  await until(
    () => `the recording grows: ${recipe.output()}`,
    async () =>
      (await probe(copy).catch(() => undefined))?.packets.some(({ ptsMs }) => ptsMs > 3000) === true,
    30_000,
  )
  const seen = await runProgram('ffprobe', [
    '-v',
    'error',
    '-show_entries',
    'stream=codec_name',
    '-of',
    'csv=p=0',
    far.url('cam'),
  ])
  expect(seen).toMatch(/h264[\s\S]*aac|aac[\s\S]*h264/)

  await source.stop()
  expect(await recipe.exited).toBe(0)
  expect(recipe.output()).toMatch(
    /What will be done:\n.*\n {2}video h264 640x360: copy\n {2}audio aac 44100: copy/,
  )
  expect(await decodeErrors(copy)).toBe('')
  await Promise.all([near.stop(), far.stop()])
  await rm(folder, { recursive: true })
})
