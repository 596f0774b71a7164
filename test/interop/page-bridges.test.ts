/**
 * The page as a control desk: health, graphs, bridges drawn with their plan, a destination added and stopped, events.
 * Need not run alone.
 */
import { execFileSync } from 'node:child_process'
import type { Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Chromium, launchChromium } from '../helpers/chromium.ts'
import {
  findStream,
  post,
  publishTestSource,
  type Server,
  startServer,
  untilLive,
} from '../helpers/crosspoint.ts'
import { type NginxRtmp, startNginxRtmp } from '../helpers/nginx-rtmp.ts'
import { freePort, stopPrograms, until } from '../helpers/program.ts'
import { freePairs } from '../helpers/rtp-gateway.ts'

interface BridgeList {
  readonly bridges: readonly {
    readonly legs: readonly {
      readonly peer: { readonly sdp: string; readonly commands: readonly { readonly line: string }[] } | null
    }[]
  }[]
}

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
afterEach(() => chromium.closePages())
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
  await card.getByRole('button', { name: /^Forget/ }).click()
  await card.waitFor({ state: 'detached' })
})

test('one of two destinations is stopped by keyboard, the other goes on and then needs no button of its own', async () => {
  const page = await chromium.open(`${server.http}/#/bridges/live/cam`)
  const to = [nginx.url('leg-one'), nginx.url('leg-two')]
  const opened = await post(`${server.http}/v1/bridges`, { from: 'stream:live/cam', to })
  const card = page.locator(`[data-bridge="${(await opened.json()).id}"]`)
  const legs = card.locator('.destination')
  const tones = (): Promise<(string | null)[]> =>
    legs.locator('.status').evaluateAll(all => all.map(status => status.getAttribute('data-tone')))
  await until('both are live', async () => String(await tones()) === 'live,live')
  expect(await fitsWidth(page)).toBe(true)
  const buttons = card.getByRole('button', { name: /^Stop sending to rtmp:/ })
  await buttons.nth(1).focus()
  await page.keyboard.press('Enter')
  await until('it has stopped', async () => String(await tones()) === 'live,idle')
  expect(await buttons.count()).toBe(0)
  // "Stop all" until then.
  await until('the focus is on what stops the rest', async () => (await focused(page)) === 'Stop')
  const sent = () => legs.first().locator('.status').innerText()
  const before = await sent()
  await until('the other goes on', async () => (await sent()) !== before)
  await stopAndForget(card)
  await page.close()
})

test.each(['watch/live/cam', 'watch', 'publish', 'bridges', 'calls'])(
  '%s has one heading above all others',
  async view => {
    const page = await chromium.open(`${server.http}/#/${view}`)
    await page.locator('h1').waitFor()
    const levels = await page.locator('h1, h2, h3, h4').evaluateAll(all => all.map(({ tagName }) => tagName))
    expect(levels[0]).toBe('H1')
    expect(levels.filter(level => level === 'H1')).toHaveLength(1)
    expect(levels.filter(level => level > 'H2')).toEqual([])
    await page.close()
  },
)

const stopAndForget = async (card: Locator): Promise<void> => {
  await card.getByRole('button', { name: /^Stop/ }).click()
  await card.getByRole('button', { name: /^Forget/ }).click()
  await card.waitFor({ state: 'detached' })
}

test('copying is drawn as no work, and what an RTP peer is to run is there to copy', async () => {
  const page = await chromium.open(`${server.http}/#/bridges/live/cam`)
  const port = await freePort()
  await page.locator('#bridge-to').fill(`rtp://127.0.0.1:${port}`)
  await page.keyboard.press('Enter')
  const card = page.locator('[data-bridge]', { hasText: `rtp://127.0.0.1:${port}` })
  await card.locator('.destination .status[data-tone="live"]').waitFor({ timeout: 20_000 })
  expect(await card.locator('.step[data-work="true"]').count()).toBe(0)
  expect(
    await card
      .locator('.step')
      .first()
      .evaluate(step => getComputedStyle(step).boxShadow),
  ).toBe('none')

  const peer = card.locator('details.peer')
  await peer.locator('summary').focus()
  expect(await peer.getByText('v=0').isVisible()).toBe(false)
  await page.keyboard.press('Enter')
  const { bridges } = (await (await fetch(`${server.http}/v1/bridges`)).json()) as BridgeList
  const told = bridges.flatMap(({ legs }) => legs.flatMap(leg => leg.peer ?? []))[0]!
  const shown = await peer.locator('code').evaluateAll(codes => codes.map(({ textContent }) => textContent))
  expect(shown).toEqual([...told.commands.map(({ line }) => line), told.sdp])
  await peer.getByRole('button', { name: 'Copy SDP' }).focus()
  await page.keyboard.press('Enter')
  const selected = () => page.evaluate(() => String(getSelection()))
  await until('it is selected to be copied', async () =>
    (await selected()).includes('a=rtpmap:96 H264/90000'),
  )
  // Drawn anew every second, it stays open.
  const before = await card.locator('.destination .status').innerText()
  await until(
    'it is drawn anew',
    async () => (await card.locator('.destination .status').innerText()) !== before,
  )
  expect(await peer.getByText('v=0').isVisible()).toBe(true)
  await stopAndForget(card)
})

test('the sender of an RTP source is told what to run before it has come', async () => {
  const page = await chromium.open(`${server.http}/#/bridges`)
  const from = `rtp://127.0.0.1:${await freePairs(2)}?video=h264&audio=opus`
  await page.locator('#bridge-from').fill(from)
  await page.locator('#bridge-to').fill('stream:live/rtp')
  await page.keyboard.press('Enter')
  const card = page.locator('[data-bridge]', { hasText: 'stream:live/rtp' })
  await card.locator('summary', { hasText: 'How to send to rtp://127.0.0.1:' }).click()
  await card.locator('code', { hasText: /^ffmpeg .*rtp:/ }).waitFor()
  await stopAndForget(card)
})

/** What has the focus, in words. */
const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const { tagName, id, textContent } = document.activeElement!
    return id || (tagName === 'BODY' ? 'nothing' : textContent!.trim())
  })

test('Tab goes through the bridges in the order they are read; the focus stays in the list when one goes', async () => {
  const page = await chromium.open(`${server.http}/#/bridges/live/cam`)
  for (const name of ['one', 'two']) {
    await page.locator('#bridge-to').fill(nginx.url(name))
    await page.keyboard.press('Enter')
    await until(`${name} is added`, async () => (await page.locator('#bridge-to').inputValue()) === '')
  }
  await page.locator('[data-bridge]').nth(1).waitFor()
  await page.locator('nav a').first().focus()
  const walk: string[] = []
  while (walk.at(-1) !== 'add-bridge' && walk.length < 20) {
    walk.push(await focused(page))
    await page.keyboard.press('Tab')
  }
  const form = ['bridge-from', 'bridge-to', 'add-bridge']
  expect(walk).toEqual(['Watch', 'Publish', 'Bridges', 'Calls', 'Stop', 'Stop', ...form])

  const cards = page.locator('[data-bridge]')
  const second = await cards.nth(1).getAttribute('data-bridge')
  const stop = async (): Promise<void> => {
    await page.keyboard.press('Enter')
    await until('it is stopped', async () => (await focused(page)) === 'Forget')
    await page.keyboard.press('Enter')
  }
  await cards.first().getByRole('button').focus()
  await stop()
  await until('one is left', async () => (await cards.count()) === 1)
  const inside = () =>
    page.evaluate(() => document.activeElement!.closest('[data-bridge]')?.getAttribute('data-bridge'))
  expect([await inside(), await focused(page)]).toEqual([second, 'Stop'])
  await stop()
  await until('none is left', async () => (await cards.count()) === 0)
  expect(await focused(page)).toBe('Bridges')
})

test('a camera is shared and stopped by keyboard alone', async () => {
  const page = await chromium.open(`${server.http}/#/publish/screens/keys`)
  expect(await focused(page)).toBe('nothing')
  await page.locator('#name').focus()
  await page.keyboard.press('Tab')
  expect(await focused(page)).toBe('publish-camera')
  await page.keyboard.press('Enter')
  await page.locator('.status[data-tone="live"]').waitFor({ timeout: 20_000 })
  await until('the other button is at hand', async () => (await focused(page)) === 'stop')
  await page.keyboard.press('Enter')
  await until('and back', async () => (await focused(page)) === 'publish-camera')
  await page.close()
})

test('a screen is shared, seen by another page, and stopped', async () => {
  const page = await chromium.open(`${server.http}/#/publish/screens/desk`)
  await page.locator('#publish-screen').click()
  await page
    .locator('.status[data-tone="live"]')
    .getByText('Live as screens/desk')
    .waitFor({ timeout: 20_000 })
  const viewer = await chromium.open(`${server.http}/#/watch/screens/desk`)
  await viewer.waitForFunction(() => (document.querySelector('video')?.videoWidth ?? 0) > 640, undefined, {
    timeout: 20_000,
  })
  await page.locator('#stop').click()
  await until(
    'the stream has ended',
    async () => (await findStream(server.http, 'screens/desk')) === undefined,
    20_000,
  )
})

test('a button on the picture has its icon beside its words', async () => {
  const page = await chromium.open(`${server.http}/#/watch/live/cam`)
  const [icon, button] = await Promise.all([
    page.locator('#sound .icon').boundingBox(),
    page.locator('#sound').boundingBox(),
  ])
  expect(Math.abs(icon!.y + icon!.height / 2 - button!.y - button!.height / 2)).toBeLessThan(3)
  await page.close()
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

test('the source is live while its destination is away, and waited for when it has ended', async () => {
  const other = await startNginxRtmp()
  const publisher = publishTestSource({ url: `${server.rtmp}/live/brief`, size: '160x90' })
  await untilLive(server.http, 'live/brief')
  await post(`${server.http}/v1/bridges`, { from: 'stream:live/brief', to: [other.url('away')] })
  const page = await chromium.open(`${server.http}/#/bridges`)
  const card = page.locator('[data-bridge]', { hasText: 'stream:live/brief' })
  const words = (node: string, text: RegExp) => card.locator(`.${node} .status`).getByText(text).waitFor()
  await words('destination', /^live/)
  await other.stop()
  await words('destination', /^backoff · try \d+ in \d+ s/)
  const verdict = page.locator('.stream', { hasText: 'live/brief' }).locator('.health[data-tone="bad"]')
  await verdict.getByText(/^rtmp:\S+ not reached, try \d+/).waitFor()
  await words('source', /^live$/)
  await card.locator('.step').getByText('nothing is carried').waitFor()
  await publisher.stop()
  await words('source', /^waited for$/)
  await words('destination', /^waits · .*not live/)
})

test('a destination with a profile shows what is wanted, measured and done', async () => {
  const to = [`${nginx.url('profiled')}#profile=youtube`]
  const made = await post(`${server.http}/v1/bridges`, { from: 'stream:live/cam', to })
  const { id } = (await made.json()) as { id: string }
  const page = await chromium.open(`${server.http}/#/bridges`)
  const wishes = page.locator(`[data-bridge="${id}"] .wishes`)
  expect(await wishes.locator('.chip').innerText()).toBe('youtube')
  await wishes
    .locator('summary')
    .getByText(/^(all \d checks met|.*(mended|as wanted).*)$/)
    .waitFor()
  if ((await wishes.getAttribute('open')) === null) await wishes.locator('summary').click()
  const keyframes = wishes.locator('li', { hasText: 'Key frames' })
  await keyframes.getByText('every 1.0 s').waitFor()
  expect(await keyframes.innerText()).toMatch(/wants every 2 s or less/)
  expect(await keyframes.getAttribute('data-fit')).toBe('good')
  await page.setViewportSize({ width: 360, height: 800 })
  expect(await fitsWidth(page)).toBe(true)
  await fetch(`${server.http}/v1/bridges/${id}`, { method: 'DELETE' })
})

/** As when another tab is in front: pages of a headless browser are all seen. */
const show = (page: Page, isShown: boolean): Promise<void> =>
  page.evaluate(seen => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => !seen })
    document.dispatchEvent(new Event('visibilitychange'))
  }, isShown)

test('eight tabs at one gateway: all load, and one that is shown again has missed no event', async () => {
  const pages: Page[] = []
  for (let i = 0; i < 8; i++) {
    const page = await chromium.open(`${server.http}/#/bridges`)
    await page.locator('.events li').first().waitFor()
    await show(page, false)
    pages.push(page)
  }
  const first = pages[0]!
  const before = await first.locator('.events li').count()
  const to = [nginx.url('unseen')]
  const made = await post(`${server.http}/v1/bridges`, { from: 'stream:live/cam', to })
  const { id } = (await made.json()) as { id: string }
  await show(pages.at(-1)!, true)
  const opened = (page: Page) => page.locator('.events li', { hasText: 'bridge:opened' })
  await opened(pages.at(-1)!).filter({ hasText: 'rtmp:' }).first().waitFor()
  expect(await first.locator('.events li').count()).toBe(before)
  await show(first, true)
  await until('what it missed', async () => (await first.locator('.events li').count()) > before)
  const ids = async (): Promise<string[]> => first.locator('.events li').allInnerTexts()
  expect(new Set(await ids()).size).toBe((await ids()).length)
  await fetch(`${server.http}/v1/bridges/${id}`, { method: 'DELETE' })
})

const average = (values: Uint8Array): number => values.reduce((sum, value) => sum + value, 0) / values.length
/** How far the dots are from their average: where nothing is drawn it is 0. */
const deviation = (values: Uint8Array): number => {
  const middle = average(values)
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / values.length)
}
/** The brightness of each dot of a screenshot. */
const decodeGray = (png: Buffer): { readonly width: number; readonly data: Uint8Array } => {
  const raw = ['-v', 'error', '-f', 'png_pipe', '-i', 'pipe:', '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:']
  return {
    width: png.readUInt32BE(16),
    data: execFileSync('ffmpeg', raw, { input: png, maxBuffer: 1 << 25 }),
  }
}

test('the screen shows the picture of the stream, moving, with nothing over it', async () => {
  const page = await chromium.open(`${server.http}/#/watch/live/cam`)
  await page.locator('.stage[data-phase="playing"]').waitFor({ timeout: 20_000 })
  const shoot = async (): Promise<Uint8Array> =>
    decodeGray(await page.locator('.stage video').screenshot()).data
  const before = await shoot()
  await until('it moves', async () => {
    const now = await shoot()
    const moved = now.filter((value, i) => Math.abs(value - before[i]!) > 32)
    return moved.length > now.length / 200
  })
  expect(deviation(before)).toBeGreaterThan(30)
})

test.each([
  ['wide and light', 1280, 'light'],
  ['narrow and dark', 375, 'dark'],
] as const)('nothing sticks out: %s', async (_, width, colorScheme) => {
  for (const view of ['watch/live/cam', 'publish', 'bridges', 'calls']) {
    const page = await chromium.open(`${server.http}/#/${view}`)
    await page.setViewportSize({ width, height: 800 })
    await page.emulateMedia({ colorScheme })
    await page.locator('h1, h2').first().waitFor()
    expect(await fitsWidth(page), view).toBe(true)
    const [ground] = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g)!)
    expect(Number(ground) < 128, `the ground of ${view} is ${ground}`).toBe(colorScheme === 'dark')
    const shot = decodeGray(await page.screenshot())
    const edge = shot.data.filter((_, i) => i % shot.width < 8)
    expect(average(edge) < 128, `the edge of ${view}`).toBe(colorScheme === 'dark')
    expect(deviation(shot.data), `what is drawn on ${view}`).toBeGreaterThan(8)
    await page.close()
  }
})
