/** A source that nobody can ask for a key frame (RTMP) with one every 10 s: a late viewer still sees a picture at once. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Chromium, launchChromium } from '../helpers/chromium.ts'
import { type Server, startServer } from '../helpers/crosspoint.ts'
import { captureConnections, countFrames } from '../helpers/page-measures.ts'
import { type Program, startProgram, stopPrograms, until } from '../helpers/program.ts'

let server: Server
let chromium: Chromium
let source: Program
const GOP_S = 10

beforeAll(async () => {
  server = await startServer()
  chromium = await launchChromium()
  source = startProgram('ffmpeg', [
    ...['-loglevel', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30'],
    ...[
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-tune',
      'zerolatency',
      '-b:v',
      '2M',
      '-g',
      String(GOP_S * 30),
    ],
    ...['-sc_threshold', '0', '-f', 'flv', `${server.rtmp}/live/long`],
  ])
})
afterAll(async () => {
  await chromium?.[Symbol.asyncDispose]()
  await stopPrograms()
})

const videoUnits = async (): Promise<number> => {
  const response = await fetch(`${server.http}/v1/streams/live%2Flong`)
  if (!response.ok) return 0
  const stream = (await response.json()) as { tracks: { kind: string; stats?: { units: number } }[] }
  return stream.tracks.find(({ kind }) => kind === 'video')?.stats?.units ?? 0
}

test('the picture is there long before the next key frame, catches up with the source, and goes on at its pace', async () => {
  // In the middle of a group of pictures: the next key frame is seconds away.
  await until(
    () => `the source says: ${source.output()}`,
    async () => (await videoUnits()) > 120,
    20_000,
  )
  const page = await chromium.open('about:blank')
  await captureConnections(page)
  const began = performance.now()
  await page.goto(`${server.http}/#/watch/live/long`)
  await until(
    'a picture',
    () =>
      page.evaluate(() => (document.querySelector('#player') as HTMLVideoElement | null)?.videoWidth === 640),
    8000,
  )
  const waitedS = (performance.now() - began) / 1000
  expect(waitedS).toBeLessThan(3)
  const units = await videoUnits()
  expect(units).toBeLessThan(GOP_S * 30)
  const frames = await countFrames(page, 4000)
  expect(frames.decoded / (frames.seconds * 30)).toBeGreaterThan(0.95)
})
