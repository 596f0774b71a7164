/** The main job: ffmpeg sends RTMP, the page plays it in Chromium with picture and sound. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Chromium, launchChromium } from '../helpers/chromium.ts'
import { findStream, publishTestSource, type Server, startServer, untilLive } from '../helpers/crosspoint.ts'
import { captureConnections, countFrames, measureTone } from '../helpers/page-measures.ts'
import { stopPrograms, until } from '../helpers/program.ts'

let server: Server
let chromium: Chromium

beforeAll(async () => {
  server = await startServer()
  publishTestSource({ url: `${server.rtmp}/live/cam` })
  chromium = await launchChromium()
  await untilLive(server.http, 'live/cam')
})
afterAll(async () => {
  await chromium?.[Symbol.asyncDispose]()
  await stopPrograms()
})

test('Chromium decodes more than 95 % of the frames, and the tone is 1 000 ± 2 Hz on both channels', async () => {
  const page = await chromium.open('about:blank')
  await captureConnections(page)
  await page.goto(`${server.http}/#/watch/live/cam`)
  await page.locator('.status[data-tone="live"]').waitFor({ timeout: 20_000 })
  const frames = await countFrames(page, 4000)
  expect(frames.decoded / (frames.seconds * 30)).toBeGreaterThan(0.95)
  expect(frames.dropped).toBeLessThanOrEqual(frames.decoded * 0.05)
  expect([frames.width, frames.height]).toEqual([640, 360])

  await page.locator('#sound').click()
  const tone = await measureTone(page)
  expect(tone).toHaveLength(2)
  for (const { hertz, level } of tone) {
    expect(Math.abs(hertz - 1000)).toBeLessThan(2)
    expect(level).toBeGreaterThan(-40)
  }
})

test('the page lists the stream, names its codecs, and says what the connection does', async () => {
  const page = await chromium.open(`${server.http}/`)
  await page.locator('.stream .name').getByText('live/cam').waitFor()
  const chips = await page.locator('.stream .chip').allInnerTexts()
  expect(chips).toEqual(['H.264 640×360', 'AAC 44.1 kHz'])
  await page.locator('.stats').getByText('H.264 + Opus').waitFor({ timeout: 20_000 })
  await page.locator('.stats').getByText('640×360').waitFor()
  expect(await page.locator('.field code').allInnerTexts()).toContain(`${server.rtmp}/live/cam`)
})

test('two viewers share one transcode, and the stream says so', async () => {
  const stream = await findStream(server.http, 'live/cam')
  const derived = (stream!.tracks as { derivedFrom?: string; codec: string }[]).filter(
    track => track.derivedFrom,
  )
  expect(stream!.viewers).toBe(2)
  expect(derived.map(({ codec }) => codec)).toEqual(['opus'])
})

test('when the publisher comes back, the page plays again by itself', async () => {
  const page = await chromium.open(`${server.http}/#/watch/live/again`)
  await page.locator('.status').getByText('not live').waitFor()
  const source = publishTestSource({ url: `${server.rtmp}/live/again` })
  await page.locator('.status[data-tone="live"]').waitFor({ timeout: 20_000 })
  await source.stop()
  await page.locator('.status').getByText('not live').waitFor({ timeout: 20_000 })
  publishTestSource({ url: `${server.rtmp}/live/again` })
  await page.locator('.status[data-tone="live"]').waitFor({ timeout: 20_000 })
  await until('a picture', () =>
    page.evaluate(() => (document.querySelector('#player') as HTMLVideoElement).videoWidth === 640),
  )
})
