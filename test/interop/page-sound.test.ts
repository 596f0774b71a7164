/** A stream without a picture on the page: how loud it is instead of a black box, and no frame rate. Need not run alone. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Chromium, launchChromium } from '../helpers/chromium.ts'
import { type Server, startServer, untilLive } from '../helpers/crosspoint.ts'
import { startProgram, stopPrograms, until } from '../helpers/program.ts'

let server: Server
let chromium: Chromium
beforeAll(async () => {
  server = await startServer()
  startProgram('ffmpeg', [
    ...['-v', 'error', '-nostdin', '-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'],
    ...['-af', 'volume=4dB', '-c:a', 'aac', '-f', 'flv', `${server.rtmp}/live/radio`],
  ])
  chromium = await launchChromium()
  await untilLive(server.http, 'live/radio')
})
afterAll(async () => {
  await chromium?.[Symbol.asyncDispose]()
  await stopPrograms()
})

test('what has sound alone is shown as a wave, heard, and has no frame rate', async () => {
  const page = await chromium.open(`${server.http}/#/watch/live/radio`)
  await page.setViewportSize({ width: 360, height: 800 })
  await page.locator('.status[data-tone="live"]').waitFor({ timeout: 20_000 })
  await page.getByText('Sound only, muted so far').waitFor()
  await page.locator('#sound').click()
  await page.getByText('Sound only', { exact: true }).waitFor()
  const tallest = (): Promise<number> =>
    page.evaluate(() =>
      Math.max(
        ...[...document.querySelectorAll('.sound-wave rect')].map(bar => Number(bar.getAttribute('height'))),
      ),
    )
  await until('the wave shows the tone', async () => (await tallest()) > 15)
  await page.locator('.stats').getByText('Opus').waitFor()
  await page.locator('.spark', { hasText: 'Bit rate' }).waitFor()
  expect(await page.locator('main').innerText()).not.toContain('fps')
  expect(await page.getByRole('button', { name: 'Full screen' }).count()).toBe(0)
  await until('it plays', () =>
    page.evaluate(() => {
      const { paused, muted, currentTime } = document.querySelector('#player') as HTMLVideoElement
      return !paused && !muted && currentTime > 0
    }),
  )
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
})
