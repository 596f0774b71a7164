/**
 * Long-running commands: what they print, how they end, and what they leave behind.
 * Need not run alone.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchChromium } from '../helpers/chromium.ts'
import { crosspoint, post, publishTestSource, startServer, untilLive } from '../helpers/crosspoint.ts'
import { probe } from '../helpers/flv.ts'
import { childrenOf, isGone } from '../helpers/processes.ts'
import { stopPrograms, until } from '../helpers/program.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crosspoint-serve-'))
})
afterAll(async () => {
  await stopPrograms()
  await rm(folder, { recursive: true })
})

const freeDoors = ['--http', '127.0.0.1:0', '--rtmp', '127.0.0.1:0', '--webrtc', '127.0.0.1:0']

test('SIGTERM drains: the recording is finished, publisher and viewers are let go, exit code 0', async () => {
  const server = await startServer(['--recordings', folder])
  const source = publishTestSource({ url: `${server.rtmp}/live/cam` })
  await untilLive(server.http, 'live/cam')
  expect((await post(`${server.http}/v1/bridges`, { from: 'stream:live/cam', to: ['cam.flv'] })).status).toBe(
    201,
  )
  const viewer = await fetch(`${server.http}/live/cam.flv`)
  const reader = viewer.body!.getReader()
  for (let bytes = 0; bytes < 200_000; ) bytes += (await reader.read()).value?.length ?? 200_000
  expect(await server.stop()).toBe(0)
  await source.exited
  const drain = async (): Promise<string> => {
    for (;;) {
      const { done } = await reader.read()
      if (done) return 'ended'
    }
  }
  expect(await drain().catch(() => 'cut off')).toMatch(/ended|cut off/)
  expect((await probe(join(folder, 'cam.flv'))).durationS).toBeGreaterThan(0.3)
})

test('it says where to publish and where to play, and a second signal ends it at once', async () => {
  const program = crosspoint(['serve', ...freeDoors, '--sip', '127.0.0.1:0'])
  await until('the addresses', () => program.output().includes('Everything that is live'))
  const output = program.output()
  expect(output).toMatch(/OBS\s+server rtmp:\/\/127\.0\.0\.1:\d+\/live {2}stream key cam/)
  expect(output).toMatch(/ffmpeg\s+ffmpeg -re .* -f flv rtmp:\/\/127\.0\.0\.1:\d+\/live\/cam/)
  expect(output).toMatch(/phone\s+sip:NUMBER@127\.0\.0\.1:\d+, refused: sip\.routes has no rule yet/)
  expect(output).toMatch(/WHEP\s+http:\/\/127\.0\.0\.1:\d+\/whep\/live\/cam/)
  program.child.kill('SIGINT')
  expect(await program.exited).toBe(0)
})

test('where a key or token is wanted, the addresses say where it goes', async () => {
  const file = join(folder, 'keys.yaml')
  const access =
    'access: { publish: [{ streams: live/*, key: canary-1 }], play: [{ jwt: true }], api: loopback, '
  await writeFile(file, `${access}jwt: { secret: canary-2-canary-2-canary-2-canary-2 } }\n`)
  const program = crosspoint(['serve', '--config', file, ...freeDoors])
  await until('the addresses', () => program.output().includes('Everything that is live'))
  const output = program.output()
  expect(output).toMatch(/OBS\s+server \S+\/live {2}stream key cam\?key=KEY$/m)
  expect(output).toMatch(/-f flv 'rtmp:\S+\/live\/cam\?key=KEY'$/m)
  expect(output).toMatch(/RTMP\s+ffplay .* 'rtmp:\S+\/live\/cam\?token=TOKEN'$/m)
  expect(output).toMatch(/WHEP\s+\S+\/whep\/live\/cam\?token=TOKEN$/m)
  expect(output).not.toContain('canary')
  program.child.kill('SIGINT')
  expect(await program.exited).toBe(0)
})

test('the demo plays in Chromium at the address it prints, and Ctrl-C leaves nothing behind', async () => {
  const demo = crosspoint(['demo', '--size', '640x360', ...freeDoors])
  const address = (): string | undefined => /http:\/\/\S+#\/watch\/live\/demo/.exec(demo.output())?.[0]
  await until(
    () => `the address: ${demo.output()}`,
    () => address() !== undefined,
    30_000,
  )
  const children = childrenOf(demo.child.pid!)
  expect(children.length).toBeGreaterThan(0)

  await using chromium = await launchChromium()
  const page = await chromium.open(address()!)
  await page.locator('.status[data-tone="live"]').waitFor({ timeout: 20_000 })
  await until('a moving picture with sound', () =>
    page.evaluate(() => {
      const video = document.querySelector('#player') as HTMLVideoElement
      const sound = (video.srcObject as MediaStream).getAudioTracks()
      return (
        video.videoWidth === 640 &&
        video.getVideoPlaybackQuality().totalVideoFrames > 30 &&
        sound.length === 1
      )
    }),
  )
  demo.child.kill('SIGINT')
  expect(await demo.exited).toBe(0)
  await until('its children are gone', () => children.every(isGone))
})

test('usual ports that are taken give way to free ones in the demo, and it says so', async () => {
  const blocker = createServer().listen(8080, '127.0.0.1')
  // Somebody else may hold the port already: as good.
  await new Promise(resolve => blocker.once('listening', resolve).once('error', resolve))
  const demo = crosspoint(['demo', '--size', '320x180', '--duration', '1', ...freeDoors.slice(2)])
  expect(await demo.exited).toBe(0)
  blocker.close()
  expect(demo.output()).toContain('Port 8080 is taken: http takes a free one instead.')
  expect(demo.output()).not.toContain('http://127.0.0.1:8080/')
})

test('ffmpeg does not outlive a demo that was killed', async () => {
  const demo = crosspoint(['demo', '--size', '320x180', ...freeDoors])
  await until(
    () => `it is live: ${demo.output()}`,
    () => demo.output().includes('Ctrl-C'),
    30_000,
  )
  const children = childrenOf(demo.child.pid!)
  expect(children.length).toBeGreaterThan(0)
  demo.child.kill('SIGKILL')
  await until('its children are gone', () => children.every(isGone))
})
