import { afterAll, expect, test } from 'vitest'
import { launchChromium } from '../helpers/chromium.ts'
import { untilLive } from '../helpers/crosspoint.ts'
import { stopPrograms, until } from '../helpers/program.ts'
import { doorsEnv, freeDoors, startRecipe } from '../helpers/recipe.ts'

afterAll(stopPrograms)

test('ffmpeg-to-browser', async () => {
  const doors = await freeDoors()
  const recipe = startRecipe('ffmpeg-to-browser', [], doorsEnv(doors))
  const address = `http://${doors.http}/#/watch/live/ffmpeg`
  await until(
    () => `the address: ${recipe.output()}`,
    () => recipe.output().includes(`Watch: ${address}`),
  )
  await untilLive(`http://${doors.http}`, 'live/ffmpeg')
  await using chromium = await launchChromium()
  const page = await chromium.open(address)
  await page.locator('.status[data-tone="live"]').waitFor({ timeout: 20_000 })
  await until('a picture', () =>
    page.evaluate(() => (document.querySelector('#player') as HTMLVideoElement).videoWidth === 640),
  )
  expect(recipe.output()).not.toMatch(/\berror\b/i)
  await recipe.stop()
  await until('the gateway has ended with it', async () =>
    fetch(`http://${doors.http}/healthz`).then(
      () => false,
      () => true,
    ),
  )
})
