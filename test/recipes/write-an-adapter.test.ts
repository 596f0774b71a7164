/** The adapter of the recipe keeps the contract of all, and carries what ffmpeg sends to ffmpeg and to the gateway. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ivf } from '../../recipes/write-an-adapter/ivf.ts'
import { describeAdapter } from '../contract/adapter-contract.ts'
import { untilLive } from '../helpers/crosspoint.ts'
import { freePort, runProgram, startProgram, stopPrograms, until } from '../helpers/program.ts'
import { doorsEnv, freeDoors, startRecipe } from '../helpers/recipe.ts'

describeAdapter(ivf)
afterAll(stopPrograms)

test('write-an-adapter', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'crosspoint-recipe-'))
  const [doors, near, far] = [await freeDoors(), await freePort(), await freePort()]
  const copy = join(folder, 'copy.webm')
  const quiet = ['-hide_banner', '-loglevel', 'error', '-nostdin']
  const picture = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=30', '-g', '30']
  const vp8 = ['-c:v', 'libvpx', '-deadline', 'realtime', '-f', 'ivf']
  const sender = startProgram('ffmpeg', [...quiet, ...picture, ...vp8, `tcp://127.0.0.1:${near}?listen=1`])
  const from = ['-f', 'ivf', '-i', `tcp://127.0.0.1:${far}?listen=1`]
  const receiver = startProgram('ffmpeg', [...quiet, ...from, '-frames:v', '60', '-c', 'copy', copy])

  const ends = [`ivf://127.0.0.1:${near}`, 'stream:live/ivf', `ivf://127.0.0.1:${far}`]
  const recipe = startRecipe('write-an-adapter', ends, doorsEnv(doors))
  await until(
    () => `it answers: ${recipe.output()}`,
    () =>
      fetch(`http://${doors.http}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      ),
  )
  await untilLive(`http://${doors.http}`, 'live/ivf')
  const { tracks } = (await (await fetch(`http://${doors.http}/v1/streams/live%2Fivf`)).json()) as {
    tracks: readonly { codec: string; width: number }[]
  }
  expect(tracks).toMatchObject([{ codec: 'vp8', width: 320, height: 180 }])
  await until(
    () => `sixty pictures arrive: ${receiver.output()}${recipe.output()}`,
    () => receiver.child.exitCode !== null,
  )
  expect(await receiver.exited).toBe(0)
  const count = ['-v', 'error', '-count_frames', '-show_entries', 'stream=nb_read_frames,r_frame_rate']
  expect(await runProgram('ffprobe', [...count, '-of', 'csv=p=0', copy])).toMatch(/^30\/1,60\s*$/)
  recipe.child.kill('SIGTERM')
  await recipe.exited
  await sender.stop()
  await rm(folder, { recursive: true })
})
