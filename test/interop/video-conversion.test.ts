/** Codecs and B-frames that do not fit, through the whole gateway: VP8 of a browser to RTMP, B-pyramids to a browser. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Chromium, launchChromium } from '../helpers/chromium.ts'
import {
  findStream,
  post,
  publishTestSource,
  type Server,
  startServer,
  untilLive,
} from '../helpers/crosspoint.ts'
import { runProgram, startProgram, stopPrograms, until } from '../helpers/program.ts'
import { webrtcPage } from '../helpers/webrtc-page.ts'

const script = /<script>(.*)<\/script>/s.exec(webrtcPage)![1]!

let folder: string
let server: Server
let chromium: Chromium
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crosspoint-video-'))
  server = await startServer(['--recordings', folder])
  chromium = await launchChromium()
})
afterAll(async () => {
  await chromium?.[Symbol.asyncDispose]()
  await stopPrograms()
  await rm(folder, { recursive: true })
})

/** Not the gateway's own page, which plays whatever is live. */
const openPage = async () => {
  const page = await chromium.open(`${server.http}/healthz`)
  await page.setContent('<video id="video" autoplay muted playsinline></video>')
  await page.evaluate(script)
  return page
}

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

/** Decodes for four seconds and stops at the first error. */
const decoding = (url: string) =>
  startProgram('ffmpeg', [
    ...['-v', 'error', '-xerror', '-nostdin', '-stats', '-t', '4', '-i', url, '-map', '0:v', '-map', '0:a'],
    ...['-fps_mode', 'passthrough', '-enc_time_base', '1:1000', '-f', 'null', '-'],
  ])
const framesIn = (output: string): number => Number(/.*frame=\s*(\d+)/s.exec(output)?.[1] ?? 0)

test('Chromium publishes VP8; ffmpeg reads H.264 over RTMP and HTTP-FLV, from one encoder', async () => {
  const page = await openPage()
  await page.evaluate(`publish('live/vp8', { video: ['VP8'] })`)
  await untilLive(server.http, 'live/vp8')
  const players = [`${server.rtmp}/live/vp8`, `${server.http}/live/vp8.flv`].map(decoding)
  let seen: StreamView | undefined
  await until(
    () => `both players and their encoder: ${JSON.stringify(seen)} ${players.map(p => p.output()).join()}`,
    async () => {
      seen = await streamOf('live/vp8')
      return seen.subscribers.length === 2 && seen.tracks.some(({ profile }) => profile !== undefined)
    },
    20_000,
  )
  const { tracks, subscribers } = seen!
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
    expect(framesIn(player.output())).toBeGreaterThan(4 * 20 * 0.7)
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
  const page = await openPage()
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
  await until('three seconds of it', async () => (await decoded()).timestamp - first.timestamp > 3000)
  const last = await decoded()
  const rate = ((last.framesDecoded! - first.framesDecoded!) * 1000) / (last.timestamp - first.timestamp)
  // Dropping B-frames would leave 8 to 15; a busy machine shows fewer than all.
  expect(rate).toBeGreaterThan(20)
  const { tracks, subscribers } = await streamOf('live/pyramid')
  expect(tracks).toContainEqual(expect.objectContaining({ derivedFrom: 'video', profile: '42c01e' }))
  expect(subscribers[0]!.plan.tracks[0]).toMatchObject({
    codec: 'h264',
    steps: [{ op: 'transcode', to: 'h264' }, { op: 'packetise' }],
  })
})

test('one bridge with a lock of its own records that size, beside readers of the source as it is', async () => {
  const open = (transcode: object, file = 'locked.flv'): Promise<Response> =>
    post(`${server.http}/v1/bridges`, { from: 'stream:live/pyramid', to: [file], transcode })
  expect((await open({ lockResolution: '321x180' })).status).toBe(400)
  expect((await open({ policy: 'always' })).status).toBe(400)
  const silent = await open({ lockResolution: '320x180', policy: 'off' }, 'sound-only.flv')
  expect(await silent.text()).toContain('transcoding is off')
  const opened = await open({ lockResolution: '320x180' })
  expect(opened.status).toBe(201)
  interface Leg {
    readonly plan: { readonly tracks: readonly unknown[] }
    readonly stats: { readonly units: number }
  }
  const { id, legs } = (await opened.json()) as { id: string; legs: readonly Leg[] }
  expect(legs[0]!.plan.tracks[0]).toMatchObject({ codec: 'h264', steps: [{ op: 'transcode', to: 'h264' }] })
  await until('200 frames recorded', async () => {
    const bridge = (await (await fetch(`${server.http}/v1/bridges/${id}`)).json()) as { legs: readonly Leg[] }
    return bridge.legs[0]!.stats.units > 200
  })
  await fetch(`${server.http}/v1/bridges/${id}`, { method: 'DELETE' })
  const { streams } = JSON.parse(
    await runProgram('ffprobe', [
      ...['-v', 'error', '-of', 'json', '-select_streams', 'v', '-show_entries', 'stream=width,height'],
      join(folder, 'locked.flv'),
    ]),
  ) as { streams: unknown[] }
  expect(streams).toEqual([{ width: 320, height: 180 }])
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
