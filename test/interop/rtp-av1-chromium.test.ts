/**
 * AV1 over plain RTP, with Chromium's encoder and decoder at its two ends: published by WHIP, sent to `rtp:`, taken
 * from there and watched by WHEP. Runs alone: the encoder is software.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Chromium, launchChromium } from '../helpers/chromium.ts'
import { findStream, post, type Server, startServer, untilLive } from '../helpers/crosspoint.ts'
import { stopPrograms, until } from '../helpers/program.ts'
import { freePairs } from '../helpers/rtp-gateway.ts'
import { webrtcPage } from '../helpers/webrtc-page.ts'

interface PageWindow extends Window {
  publish(stream: string, options: object): Promise<void>
  view(stream: string, options: object): Promise<void>
  stats(type: string): Promise<Inbound[]>
}
interface Inbound {
  readonly kind: string
  readonly framesDecoded: number
  readonly framesReceived: number
  readonly frameWidth: number
  readonly frameHeight: number
}
interface Track {
  readonly codec: string
  readonly derivedFrom?: string
}

let server: Server
let chromium: Chromium
beforeAll(async () => {
  server = await startServer()
  chromium = await launchChromium()
})
afterAll(async () => {
  await chromium?.[Symbol.asyncDispose]()
  await stopPrograms()
})

const openPage = async () => {
  const page = await chromium.open('about:blank')
  const html = { contentType: 'text/html', body: webrtcPage }
  await page.route(`${server.http}/test`, route => route.fulfill(html))
  await page.goto(`${server.http}/test`)
  return page
}
const bridge = async (from: string, to: string): Promise<void> => {
  const response = await post(`${server.http}/v1/bridges`, { from, to: [to] })
  expect(response.status, await response.text()).toBe(201)
}

test('what one page publishes in AV1 another one sees, with plain RTP between them', async () => {
  const port = await freePairs(2)
  const publisher = await openPage()
  const camera = { video: ['AV1'], width: 320, height: 180, bitrate: 200_000 }
  await publisher.evaluate(options => (window as unknown as PageWindow).publish('live/cam', options), camera)
  await untilLive(server.http, 'live/cam')
  await bridge(`rtp://127.0.0.1:${port}?video=av1&audio=opus`, 'stream:live/far')
  await bridge('stream:live/cam', `rtp://127.0.0.1:${port}`)
  await untilLive(server.http, 'live/far')

  const viewer = await openPage()
  await viewer.evaluate(options => (window as unknown as PageWindow).view('live/far', options), {
    video: ['AV1'],
  })
  const pictures = async (): Promise<Inbound | undefined> => {
    const stats = await viewer.evaluate(() => (window as unknown as PageWindow).stats('inbound-rtp'))
    return stats.find(({ kind }) => kind === 'video')
  }
  await until('50 pictures', async () => ((await pictures())?.framesDecoded ?? 0) >= 50, 20_000)
  const seen = (await pictures())!
  expect([seen.frameWidth, seen.frameHeight]).toEqual([320, 180])
  expect(seen.framesDecoded / seen.framesReceived).toBeGreaterThan(0.9)
  const { tracks } = (await findStream(server.http, 'live/far')) as unknown as { tracks: Track[] }
  expect(tracks.map(({ codec }) => codec).toSorted()).toEqual(['av1', 'opus'])
})
