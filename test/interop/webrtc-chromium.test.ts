/** Chromium publishes by WHIP and watches by WHEP through a real registry, HTTP server and UDP port. */
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Chromium, launchChromium } from '../helpers/chromium.ts'
import { startUdpRelay, type UdpRelay } from '../helpers/udp-relay.ts'
import { startWebRtcGateway, type WebRtcGateway } from '../helpers/webrtc-gateway.ts'
import { webrtcPage } from '../helpers/webrtc-page.ts'
import { until } from '../helpers/webrtc-peer.ts'

interface Inbound {
  readonly kind: string
  readonly packetsReceived: number
  readonly packetsLost: number
  readonly framesReceived: number
  readonly framesDecoded: number
  readonly keyFramesDecoded: number
  readonly frameWidth: number
  readonly nackCount: number
  readonly pliCount: number
  readonly freezeCount: number
  readonly concealedSamples: number
  readonly totalSamplesReceived: number
  readonly retransmittedPacketsReceived: number
  readonly estimatedPlayoutTimestamp: number
}
interface PageWindow {
  publish(stream: string, options?: object): Promise<void>
  view(stream: string, options?: object): Promise<void>
  stats(type: string): Promise<never[]>
  leave(): Promise<number>
  spectrum(): Promise<{ readonly hertz: number; readonly decibels: number }[]>
}

let chromium: Chromium
let gateway: WebRtcGateway
let relay: UdpRelay | undefined
let pages: Page[] = []
beforeAll(async () => {
  chromium = await launchChromium()
})
afterAll(() => chromium[Symbol.asyncDispose]())
beforeEach(() => {
  relay = undefined
})
afterEach(async () => {
  for (const page of pages) await page.close()
  pages = []
  await gateway[Symbol.asyncDispose]()
  await relay?.[Symbol.asyncDispose]()
})

const open = async (): Promise<Page> => {
  const page = await chromium.open(`${gateway.origin}/test`)
  pages.push(page)
  return page
}
const publish = async (options: object = {}): Promise<Page> => {
  const page = await open()
  await page.evaluate(given => (window as unknown as PageWindow).publish('live/cam', given), options)
  await until('the stream', () => gateway.registry.find('live/cam')?.state === 'ready', 10_000)
  return page
}
const view = async (options: object = {}): Promise<Page> => {
  const page = await open()
  await page.evaluate(given => (window as unknown as PageWindow).view('live/cam', given), options)
  return page
}
const statsOf = async <T>(page: Page, type: string): Promise<T[]> =>
  (await page.evaluate(kind => (window as unknown as PageWindow).stats(kind), type)) as T[]
const inbound = async (page: Page, kind: string): Promise<Inbound | undefined> =>
  (await statsOf<Inbound>(page, 'inbound-rtp')).find(entry => entry.kind === kind)

/** Waits until the page has decoded so many frames, and gives its statistics then. */
const decoded = async (page: Page, frames: number, timeoutMs = 30_000): Promise<Inbound> => {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const found = await inbound(page, 'video')
    if (found !== undefined && found.framesDecoded >= frames) return found
    if (performance.now() > deadline)
      throw new Error(`only ${found?.framesDecoded ?? 0} of ${frames} frames: ${JSON.stringify(found)}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
const expectGoodPicture = (stats: Inbound): void => {
  expect(stats.framesDecoded / stats.framesReceived).toBeGreaterThan(0.95)
  expect(stats.frameWidth).toBeGreaterThan(100)
}

describe('Chromium to Chromium', () => {
  test.each([['H264'], ['VP8'], ['VP9'], ['AV1']])(
    '%s and Opus: two viewers decode what one page publishes',
    async codec => {
      gateway = await startWebRtcGateway({ page: webrtcPage })
      await publish({ video: [codec] })
      const viewers = [await view(), await view()]
      for (const viewer of viewers) {
        expectGoodPicture(await decoded(viewer, 50))
        const sound = (await inbound(viewer, 'audio'))!
        expect(sound.concealedSamples / sound.totalSamplesReceived).toBeLessThan(0.2)
      }
      const stream = gateway.registry.find('live/cam')!
      expect(stream.tracks.map(({ params }) => params.codec).toSorted()).toEqual(
        [codec.toLowerCase(), 'opus'].toSorted(),
      )
      // rtp in, rtp out: not one frame was made.
      expect(stream.tracks.flatMap(({ stats }) => stats!.derived)).toEqual([])
      const [transport] = await statsOf<{ srtpCipher: string }>(viewers[0]!, 'transport')
      expect(transport!.srtpCipher).toBe('SRTP_AEAD_AES_128_GCM')
    },
  )

  test('both channels of the sound arrive, each with its own pitch', async () => {
    gateway = await startWebRtcGateway({ page: webrtcPage })
    await publish({ tone: [440, 880] })
    // Browsers decode one channel unless their own offer asks for two.
    const viewer = await view({ munge: "return sdp.replace('useinbandfec=1', 'useinbandfec=1;stereo=1')" })
    await decoded(viewer, 10)
    const [left, right] = await viewer.evaluate(() => (window as unknown as PageWindow).spectrum())
    expect(Math.abs(left!.hertz - 440)).toBeLessThan(2)
    expect(Math.abs(right!.hertz - 880)).toBeLessThan(2)
    expect(Math.min(left!.decibels, right!.decibels)).toBeGreaterThan(-40)
  })

  test('the bandwidth estimate of the publisher rises: transport-wide feedback is understood', async () => {
    gateway = await startWebRtcGateway({ page: webrtcPage })
    const publisher = await publish({ width: 1280, height: 720, bitrate: 2_500_000 })
    const viewer = await view()
    await decoded(viewer, 60)
    const estimate = async (): Promise<number> =>
      Math.max(
        0,
        ...(await statsOf<{ availableOutgoingBitrate?: number }>(publisher, 'candidate-pair')).map(
          pair => pair.availableOutgoingBitrate ?? 0,
        ),
      )
    const deadline = performance.now() + 20_000
    while ((await estimate()) < 1_500_000 && performance.now() < deadline)
      await new Promise(resolve => setTimeout(resolve, 100))
    expect(await estimate()).toBeGreaterThan(1_500_000)
  })

  test('a viewer that comes late sees a picture at once', async () => {
    gateway = await startWebRtcGateway({ page: webrtcPage })
    await publish()
    await decoded(await view(), 30)
    const stats = await decoded(await view(), 1)
    expect(stats.keyFramesDecoded).toBeGreaterThan(0)
  })

  test('DELETE from the page ends the session; closing the publisher reaches the viewer', async () => {
    gateway = await startWebRtcGateway({ page: webrtcPage })
    const publisher = await publish()
    const viewer = await view()
    await decoded(viewer, 10)
    expect(await publisher.evaluate(() => (window as unknown as PageWindow).leave())).toBe(200)
    await until('the end', () => gateway.registry.find('live/cam') === undefined)
    expect(await viewer.evaluate(() => (window as unknown as PageWindow).leave())).toBe(404)
  })
})

describe('on a network that loses 5 % both ways', () => {
  const lossy = async (): Promise<void> => {
    let port = 0
    // A fixed pattern: every 19th datagram, so that each run loses the same. Odd, for what comes and what goes often
    // take turns: an even one would spare one way.
    relay = await startUdpRelay(
      () => port,
      index => index > 50 && index % 19 === 7,
    )
    gateway = await startWebRtcGateway({
      page: webrtcPage,
      config: { advertise: [`127.0.0.1:${relay.port}`] },
    })
    port = gateway.udpPort
  }

  test('NACK and RTX repair publisher and viewer alike', async () => {
    await lossy()
    const publisher = await publish({ bitrate: 1_000_000 })
    const viewer = await view()
    const stats = await decoded(viewer, 120, 40_000)
    expect(relay!.lost).toBeGreaterThan(10)
    expectGoodPicture(stats)
    expect(stats.nackCount).toBeGreaterThan(0)
    expect(stats.retransmittedPacketsReceived).toBeGreaterThan(0)
    const outbound = (
      await statsOf<{ kind: string; nackCount: number; retransmittedPacketsSent: number }>(
        publisher,
        'outbound-rtp',
      )
    ).find(({ kind }) => kind === 'video')!
    expect(outbound.nackCount).toBeGreaterThan(0)
    expect(outbound.retransmittedPacketsSent).toBeGreaterThan(0)
  })
})
