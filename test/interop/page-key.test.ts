/**
 * The page of a gateway that wants keys: it asks for one, says when it is wrong, and keeps it in its tab alone.
 * Need not run alone.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Chromium, launchChromium } from '../helpers/chromium.ts'
import { publishTestSource, type Server, startServer } from '../helpers/crosspoint.ts'
import { stopPrograms } from '../helpers/program.ts'

const config = `
access:
  publish: [{ streams: live/*, key: publish-canary-1 }, { streams: screens/*, from: any }]
  play: [{ key: play-canary-2 }]
  api: [{ key: api-canary-3 }]
`
let folder: string
let server: Server
let chromium: Chromium

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'page-key-'))
  const file = join(folder, 'crosspoint.yaml')
  await writeFile(file, config)
  server = await startServer(['--config', file])
  publishTestSource({ url: `${server.rtmp}/live/cam?key=publish-canary-1` })
  chromium = await launchChromium()
})
afterAll(async () => {
  await chromium?.[Symbol.asyncDispose]()
  await stopPrograms()
  await rm(folder, { recursive: true, force: true })
})

test('a key is asked for, a wrong one is told, the right one plays, by keyboard alone', async () => {
  const page = await chromium.open(`${server.http}/#/watch`)
  const form = page.locator('#key-form')
  await form.locator('.status').getByText('a key or token is wanted').waitFor()
  await page.getByText('Streams are not shown without a key').waitFor()
  await page.locator('.side h2').getByText('Not shown without a key').waitFor()
  await page.locator('#key').fill('wrong')
  await page.keyboard.press('Enter')
  await form.locator('.status').getByText('the key is wrong').waitFor()
  await page.locator('#key').fill('play-canary-2')
  await page.keyboard.press('Enter')
  await page.locator('.stage[data-phase="playing"]').waitFor({ timeout: 20_000 })
  expect(await form.count()).toBe(0)
  await page.getByText('Other programs need a key too').waitFor()
  expect(await page.content()).not.toContain('canary')
  expect(page.url()).not.toContain('canary')
  const other = await chromium.open(`${server.http}/#/watch`)
  await other.locator('#key-form').waitFor()
})

test('what is typed stays while the next requests are refused too', async () => {
  const page = await chromium.open(`${server.http}/#/bridges`)
  const refusals: number[] = []
  page.on('response', response => refusals.push(response.status()))
  await page.locator('#key').fill('api-cana')
  const seen = refusals.length
  await expect.poll(() => refusals.length, { timeout: 10_000 }).toBeGreaterThan(seen + 3)
  expect(await page.locator('#key').inputValue()).toBe('api-cana')
  await page.locator('#key').fill('api-canary-3')
  await page.keyboard.press('Enter')
  await page.getByText('No stream is sent on yet').waitFor()
  await page.locator('.stream').waitFor()
  expect(await page.locator('#key-form').count()).toBe(0)
  await page.locator('#bridge-to').fill('rtmp://127.0.0.1:9/live/key-canary-4')
  await page.keyboard.press('Enter')
  const row = page.locator('.events li', { hasText: 'leg:changed' })
  await row.getByText('live/cam · rtmp://127.0.0.1:9/live/***').first().waitFor()
  expect(await page.locator('.events').innerText()).not.toContain('canary')
})

test.each([360, 320])('no page is wider than a window of %i', async width => {
  const page = await chromium.open(`${server.http}/`)
  await page.setViewportSize({ width, height: 700 })
  await page.locator('#key').fill('api-canary-3')
  await page.keyboard.press('Enter')
  await page.locator('.stream').waitFor()
  for (const name of ['watch', 'publish', 'bridges', 'calls']) {
    await page.locator(`nav a[href="#/${name}"]`).click()
    await page.locator(`nav a[href="#/${name}"][aria-current]`).waitFor()
    expect(await page.evaluate(() => document.documentElement.scrollWidth), name).toBeLessThanOrEqual(width)
  }
})

test('who may publish and not play finds the form to publish', async () => {
  const page = await chromium.open(`${server.http}/#/publish/screens/one`)
  await page.locator('#publish-camera').click()
  await page
    .locator('.status[data-tone="live"]')
    .getByText('Live as screens/one')
    .waitFor({ timeout: 20_000 })
})

test('a gateway that does not answer is said, and nothing is called healthy', async () => {
  const page = await chromium.open(`${server.http}/`)
  await page.locator('#key').fill('play-canary-2')
  await page.keyboard.press('Enter')
  await page.locator('.stream .health').getByText('Healthy').first().waitFor()
  await page.route('**/v1/streams', route => route.abort())
  await page.locator('.side h2').getByText('The gateway does not answer').waitFor()
  expect(await page.locator('.health').count()).toBe(0)
  await page.unroute('**/v1/streams')
  await page.locator('.stream .health').getByText('Healthy').first().waitFor()
})
