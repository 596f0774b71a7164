import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, test } from 'vitest'
import { launchChromium } from '../helpers/chromium.ts'
import { untilLive } from '../helpers/crosspoint.ts'
import { flashingClip } from '../helpers/flashes.ts'
import { startProgram, stopPrograms, until } from '../helpers/program.ts'
import { doorsEnv, freeDoors, startRecipe } from '../helpers/recipe.ts'
import { freePairs } from '../helpers/rtp-gateway.ts'

afterAll(stopPrograms)

test('rtp-camera-to-browser', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'crosspoint-recipe-'))
  await flashingClip(folder, 30)
  const doors = await freeDoors()
  const port = await freePairs(2)
  const recipe = startRecipe('rtp-camera-to-browser', [], { ...doorsEnv(doors), RTP: `127.0.0.1:${port}` })
  const printed = (): string | undefined => /^ {2}(ffmpeg .+ -f rtp .+)$/m.exec(recipe.output())?.[1]
  await until(
    () => `the command of the camera: ${recipe.output()}`,
    () => printed() !== undefined,
  )
  const camera = startProgram('sh', ['-c', `exec ${printed()}`], { cwd: folder })
  await untilLive(`http://${doors.http}`, 'live/camera')
  await using chromium = await launchChromium()
  const page = await chromium.open(`http://${doors.http}/#/watch/live/camera`)
  await page.locator('.status[data-tone="live"]').waitFor({ timeout: 20_000 })
  await until('a picture', () =>
    page.evaluate(() => (document.querySelector('#player') as HTMLVideoElement).videoWidth === 320),
  )
  await camera.stop()
  await recipe.stop()
  await rm(folder, { recursive: true })
}, 60_000)
