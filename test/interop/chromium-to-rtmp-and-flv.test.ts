/** The way back: Chromium publishes from the page, ffmpeg reads it over RTMP and HTTP-FLV, a bridge records it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Chromium, launchChromium } from '../helpers/chromium.ts'
import { post, type Server, startServer, untilLive } from '../helpers/crosspoint.ts'
import { probe } from '../helpers/flv.ts'
import { runProgram, stopPrograms, until } from '../helpers/program.ts'

let folder: string
let server: Server
let chromium: Chromium

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crosspoint-whip-'))
  server = await startServer(['--recordings', folder])
  chromium = await launchChromium()
  const page = await chromium.open(`${server.http}/#/publish/live/browser`)
  await page.locator('#publish-camera').click()
  await page.locator('.status').getByText('Live as live/browser').waitFor({ timeout: 20_000 })
  await untilLive(server.http, 'live/browser')
})
afterAll(async () => {
  await chromium?.[Symbol.asyncDispose]()
  await stopPrograms()
  await rm(folder, { recursive: true })
})

/**
 * ffmpeg decodes everything and stops at the first error. Frames keep the times they have: a camera's rate is not
 * constant, and made constant (ffmpeg's default) two frames may fall on one tick, of which it would complain.
 */
const decode = async (
  url: string,
  limits: readonly string[] = [],
): Promise<{ frames: number; seconds: number; said: string }> => {
  const input = ['-v', 'error', '-xerror', '-nostdin', '-stats', '-fpsprobesize', '0', '-i', url]
  const rate = ['-vsync', 'passthrough', '-enc_time_base', '-1']
  const output = await runProgram('ffmpeg', [
    ...input,
    '-map',
    '0:v',
    '-map',
    '0:a',
    ...rate,
    ...limits,
    '-f',
    'null',
    '-',
  ])
  const frames = Number(/.*frame=\s*(\d+)/s.exec(output)?.[1])
  const seconds = Number(/.*time=00:00:(\d+\.\d+)/s.exec(output)?.[1])
  const said = output.split(/[\r\n]+/).filter(line => !/^(frame=.*)?\s*$/.test(line))
  return { frames, seconds, said: said.join('\n') }
}

/** Chromium's fake camera. */
const framesPerSecond = 20

test.each([
  ['RTMP', () => `${server.rtmp}/live/browser`],
  ['HTTP-FLV', () => `${server.http}/live/browser.flv`],
])('ffmpeg decodes picture and sound over %s without an error', async (_name, url) => {
  // Not so many seconds (-t): ffmpeg counts them anew with each picture size, and Chromium begins with small ones.
  const { frames, seconds, said } = await decode(url(), ['-frames:v', '80', '-shortest'])
  expect(said).toBe('')
  expect(frames).toBe(80)
  expect(frames / seconds).toBeGreaterThan(framesPerSecond * 0.8)
})

test('a bridge records it into an FLV file that decodes without an error', async () => {
  const started = await post(`${server.http}/v1/bridges`, {
    from: 'stream:live/browser',
    to: ['shows/one.flv'],
  })
  expect(started.status).toBe(201)
  const bridge = (await started.json()) as {
    id: string
    state: string
    legs: { plan: { tracks: unknown[] } }[]
  }
  expect(bridge.state).toBe('live')
  expect(bridge.legs[0]!.plan.tracks).toMatchObject([
    { codec: 'h264', steps: [{ op: 'depacketise' }] },
    { codec: 'aac', steps: [{ op: 'depacketise' }, { op: 'transcode', to: 'aac' }] },
  ])
  const units = async (): Promise<number> => {
    const { legs } = (await (await fetch(`${server.http}/v1/bridges/${bridge.id}`)).json()) as {
      legs: { stats: { units: number } }[]
    }
    return legs[0]!.stats.units
  }
  await until('150 units recorded', async () => (await units()) > 150, 30_000)
  expect((await fetch(`${server.http}/v1/bridges/${bridge.id}`, { method: 'DELETE' })).status).toBe(204)

  const file = join(folder, 'shows/one.flv')
  expect((await decode(file)).said).toBe('')
  const { streams, durationS } = await probe(file)
  expect(streams.map(({ codec_name }) => codec_name).sort()).toEqual(['aac', 'h264'])
  expect(durationS).toBeGreaterThan(1)
})
