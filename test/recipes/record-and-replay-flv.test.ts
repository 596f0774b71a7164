import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { findStream, publishTestSource, startServer, untilLive } from '../helpers/crosspoint.ts'
import { decodeErrors, probe } from '../helpers/flv.ts'
import { stopPrograms } from '../helpers/program.ts'
import { startRecipe } from '../helpers/recipe.ts'

afterAll(stopPrograms)

test('record-and-replay-flv', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'crosspoint-recipe-'))
  const server = await startServer(['--recordings', folder])
  const source = publishTestSource({ url: `${server.rtmp}/live/cam` })
  await untilLive(server.http, 'live/cam')
  const recipe = startRecipe('record-and-replay-flv', ['live/cam', 'cam.flv', '3'], {
    HTTP: server.http.slice('http://'.length),
  })
  expect(await recipe.exited).toBe(0)
  await source.stop()
  await untilLive(server.http, 'replay/live/cam')
  expect(await findStream(server.http, 'replay/live/cam')).toMatchObject({
    tracks: [{ codec: 'h264', width: 640 }, { codec: 'aac' }],
  })
  const { durationS } = await probe(join(folder, 'cam.flv'))
  expect(durationS).toBeGreaterThan(2)
  expect(durationS).toBeLessThan(6)
  expect(await decodeErrors(join(folder, 'cam.flv'))).toBe('')

  // The way the recipe says it ends.
  const [, command] = /curl -X DELETE (\S+)/.exec(recipe.output())!
  expect((await fetch(command!, { method: 'DELETE' })).status).toBe(204)
  await server.stop()
  await rm(folder, { recursive: true })
})
