/** Codecs and B-frames that do not fit, through the whole gateway: VP8 of a browser to RTMP, B-pyramids to a browser. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Chromium, launchChromium } from '../helpers/chromium.ts'
import { findStream, publishTestSource, type Server, startServer, untilLive } from '../helpers/crosspoint.ts'
import { runProgram, startProgram, stopPrograms, until } from '../helpers/program.ts'
import { webrtcPage } from '../helpers/webrtc-page.ts'

const script = /<script>(.*)<\/script>/s.exec(webrtcPage)![1]!

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

interface TrackView {
  readonly id: string
  readonly codec: string
  readonly derivedFrom?: string
  readonly width?: number
  readonly profile?: string
}
interface StreamView {
  readonly tracks: readonly TrackView[]
  readonly subscribers: readonly {
    readonly plan: { readonly tracks: readonly { readonly codec: string; readonly steps: unknown }[] }
  }[]
}
const streamOf = async (name: string): Promise<StreamView> =>
  (await findStream(server.http, name)) as unknown as StreamView

/** Decodes for six seconds and stops at the first error. */
const decoding = (url: string) =>
  startProgram('ffmpeg', [
    ...['-v', 'error', '-xerror', '-nostdin', '-stats', '-t', '6', '-i', url, '-map', '0:v', '-map', '0:a'],
    ...['-fps_mode', 'passthrough', '-enc_time_base', '1:1000', '-f', 'null', '-'],
  ])
const framesIn = (output: string): number => Number(/.*frame=\s*(\d+)/s.exec(output)?.[1] ?? 0)

test('Chromium publishes VP8; ffmpeg reads H.264 over RTMP and HTTP-FLV, from one encoder', async () => {
  const page = await chromium.open(server.http)
  await page.evaluate(script)
  await page.evaluate(`publish('live/vp8', { video: ['VP8'] })`)
  await untilLive(server.http, 'live/vp8')
  const players = [`${server.rtmp}/live/vp8`, `${server.http}/live/vp8.flv`].map(decoding)
  await until(
    'both players are there and have an encoder',
    async () => {
      const { tracks, subscribers } = await streamOf('live/vp8')
      return subscribers.length === 2 && tracks.some(({ profile }) => profile !== undefined)
    },
    20_000,
  )
  const { tracks, subscribers } = await streamOf('live/vp8')
  expect(tracks.filter(({ codec }) => codec === 'vp8')).toHaveLength(1)
  expect(tracks.filter(({ codec }) => codec === 'h264')).toMatchObject([
    { id: 'video:h264', derivedFrom: 'video', profile: expect.stringMatching(/^6400/) },
  ])
  for (const { plan } of subscribers)
    expect(plan.tracks[0]).toMatchObject({
      codec: 'h264',
      steps: [{ op: 'depacketise' }, { op: 'transcode', to: 'h264' }],
    })
  for (const player of players) {
    expect(await player.exited, player.output()).toBe(0)
    expect(framesIn(player.output())).toBeGreaterThan(6 * 20 * 0.8)
  }
  const { streams } = JSON.parse(
    await runProgram('ffprobe', [
      ...['-v', 'error', '-of', 'json', '-show_entries', 'stream=codec_name,has_b_frames'],
      `${server.http}/live/vp8.flv`,
    ]),
  ) as { streams: { codec_name: string; has_b_frames?: number }[] }
  expect(streams).toContainEqual({ codec_name: 'h264', has_b_frames: 0 })
})

test('a B-frame pyramid over RTMP is watched in Chromium, at its full rate', async () => {
  publishTestSource({
    url: `${server.rtmp}/live/pyramid`,
    videoOptions: ['-tune', 'film', '-profile:v', 'high', '-bf', '3', '-x264-params', 'b-pyramid=normal'],
  })
  await untilLive(server.http, 'live/pyramid')
  const page = await chromium.open(server.http)
  await page.setContent('<video id="video" autoplay muted playsinline></video>')
  await page.evaluate(script)
  await page.evaluate(`view('live/pyramid', { video: ['H264'] })`)
  interface Inbound {
    readonly kind: string
    readonly framesDecoded?: number
    readonly timestamp: number
  }
  const decoded = async (): Promise<Inbound> => {
    const all = (await page.evaluate(`stats('inbound-rtp')`)) as Inbound[]
    return all.find(({ kind }) => kind === 'video') ?? { kind: 'video', timestamp: 0 }
  }
  await until('it plays', async () => ((await decoded()).framesDecoded ?? 0) > 60, 30_000)
  const first = await decoded()
  await until('six seconds of it', async () => (await decoded()).timestamp - first.timestamp > 6000)
  const last = await decoded()
  const rate = ((last.framesDecoded! - first.framesDecoded!) * 1000) / (last.timestamp - first.timestamp)
  console.log(`B-pyramid in Chromium: ${rate.toFixed(2)} frames a second of 30`)
  expect(Math.abs(rate - 30) / 30).toBeLessThan(0.02)
  const { tracks, subscribers } = await streamOf('live/pyramid')
  expect(tracks).toContainEqual(expect.objectContaining({ derivedFrom: 'video', profile: '42c01e' }))
  expect(subscribers[0]!.plan.tracks[0]).toMatchObject({
    codec: 'h264',
    steps: [{ op: 'transcode', to: 'h264' }, { op: 'packetise' }],
  })
})

test('what is not allowed is refused by name: bridge --explain with the flags', async () => {
  const from = `${server.rtmp}/live/pyramid`
  const explain = async (flags: readonly string[]): Promise<string> => {
    const program = startProgram(process.execPath, [
      new URL('../../bin/crosspoint.js', import.meta.url).pathname,
      ...['bridge', from, 'out.flv', '--explain', ...flags],
    ])
    await program.exited
    return program.output()
  }
  expect(await explain([])).toContain('video h264 640x360: copy')
  expect(await explain(['--lock-resolution', '320x180'])).toContain('video h264 640x360 → h264: transcode')
  expect(await explain(['--lock-resolution', '320x180', '--transcode', 'audio'])).toMatch(
    /viewer accepts h264 320x180, .*: only sound may be transcoded \(left out\)/,
  )
})
