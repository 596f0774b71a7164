/**
 * The page as a control desk: health, graphs, bridges drawn with their plan, a destination added and stopped, events.
 * Need not run alone.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Chromium, launchChromium } from '../helpers/chromium.ts'
import { publishTestSource, type Server, startServer, untilLive } from '../helpers/crosspoint.ts'
import { type NginxRtmp, startNginxRtmp } from '../helpers/nginx-rtmp.ts'
import { freePort, stopPrograms, until } from '../helpers/program.ts'

let server: Server
let chromium: Chromium
let nginx: NginxRtmp

beforeAll(async () => {
  nginx = await startNginxRtmp()
  server = await startServer()
  publishTestSource({ url: `${server.rtmp}/live/cam` })
  chromium = await launchChromium()
  await untilLive(server.http, 'live/cam')
})
afterAll(async () => {
  await chromium?.[Symbol.asyncDispose]()
  await nginx?.stop()
  await stopPrograms()
})

const fitsWidth = (page: { evaluate: <T>(run: () => T) => Promise<T> }): Promise<boolean> =>
  page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)

test('a stream has a verdict, and graphs that move', async () => {
  const page = await chromium.open(`${server.http}/#/watch/live/cam`)
  await page.locator('.stream .health[data-tone="good"]').waitFor({ timeout: 20_000 })
  await page.locator('.card .health').getByText('Healthy').waitFor()
  const frames = page.locator('.spark', { hasText: 'Frames' })
  await until('the frame rate is drawn', async () =>
    /^(29|30|31) fps$/.test(await frames.locator('.value').innerText()),
  )
  const line = frames.locator('polyline')
  const count = async (): Promise<number> => ((await line.getAttribute('points')) ?? '').split(' ').length
  const before = await count()
  await until('the graph grows', async () => (await count()) > before)
})

test('a destination is added, drawn with its plan, and stopped by keyboard', async () => {
  const page = await chromium.open(`${server.http}/#/bridges/live/cam`)
  await page.locator('#bridge-to').fill(nginx.url('from-page'))
  await page.keyboard.press('Enter')
  const card = page.locator('[data-bridge]')
  await card.locator('.destination .status[data-tone="live"]').waitFor({ timeout: 20_000 })
  expect(await card.locator('.step').allInnerTexts()).toEqual([
    expect.stringMatching(/video h264 640x360\s*copy/),
    expect.stringMatching(/audio aac 44100.*\s*copy/),
  ])
  expect(await card.locator('.source .name').innerText()).toBe('stream:live/cam')
  await page.locator('.events b').getByText('bridge:opened').waitFor()
  await card.getByRole('button', { name: /^Stop/ }).focus()
  await page.keyboard.press('Enter')
  await page.locator('.events b').getByText('bridge:closed').waitFor()
})

test('a destination that cannot be reached says why, in words', async () => {
  const page = await chromium.open(`${server.http}/#/bridges`)
  await page.locator('#bridge-to').fill('gopher://nowhere/x')
  await page.keyboard.press('Enter')
  await page.locator('.form .status[data-tone="bad"]').getByText('gopher:').waitFor()
  await page.locator('#bridge-to').fill(`rtmp://127.0.0.1:${await freePort()}/live/x`)
  await page.keyboard.press('Enter')
  const refused = page.getByText(/cannot be reached/)
  await refused.first().waitFor({ timeout: 20_000 })
})

test.each([
  ['wide and light', 1280, 'light'],
  ['narrow and dark', 390, 'dark'],
] as const)('nothing sticks out: %s', async (_, width, colorScheme) => {
  for (const view of ['watch/live/cam', 'publish', 'bridges']) {
    const page = await chromium.open(`${server.http}/#/${view}`)
    await page.setViewportSize({ width, height: 800 })
    await page.emulateMedia({ colorScheme })
    await page.locator('h1, h2').first().waitFor()
    expect(await fitsWidth(page), view).toBe(true)
    const [ground] = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g)!)
    expect(Number(ground) < 128, `the ground of ${view} is ${ground}`).toBe(colorScheme === 'dark')
    await page.close()
  }
})
