/**
 * Telephones with a camera: baresip makes and shows H.264 by itself, and seldom makes a key frame unless it is asked.
 * What each end shows is told by its colours, left and right.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TrackInfo } from '../../src/core/types.ts'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { startPhone } from '../helpers/baresip.ts'
import { type Chromium, launchChromium } from '../helpers/chromium.ts'
import { runProgram, startProgram, stopPrograms, until } from '../helpers/program.ts'
import { startSipp } from '../helpers/sipp.ts'
import { runFfmpeg } from '../helpers/sound.ts'

const folder = mkdtempSync(join(tmpdir(), 'sip-video-'))
const film = join(folder, 'film.mp4')
let gateway: Gateway
let base: string
let pbx: string
let chromium: Chromium

/** The left half of one colour, the right half of another. */
const halves = (left: string, right: string, size: string): string =>
  `color=${right}:s=${size},drawbox=w=iw/2:h=ih:color=${left}:t=fill`
const h264 = ['-pix_fmt', 'yuv420p', '-c:v', 'libx264', '-preset', 'superfast', '-profile:v', 'baseline']

/** Noise makes pictures that fill many packets. */
const publish = async (): Promise<void> => {
  startProgram('ffmpeg', [
    ...['-v', 'error', '-nostdin', '-re', '-f', 'lavfi', '-i'],
    `${halves('green', 'white', '640x360')},noise=alls=20:allf=t,fps=30`,
    ...['-re', '-f', 'lavfi', '-i', 'sine=sample_rate=44100', ...h264, '-g', '30', '-c:a', 'aac'],
    ...['-f', 'flv', `rtmp://127.0.0.1:${gateway.doors.get('rtmp')!.port}/live/cam`],
  ])
  await until('the publisher', () => gateway.registry.find('live/cam')?.state === 'ready')
}

beforeAll(async () => {
  const free = { listen: { host: '127.0.0.1', port: 0 } }
  const from = 'loopback'
  gateway = await createGateway(
    {
      ...{ http: free, rtmp: free, webrtc: free },
      sip: {
        ...free,
        routes: [
          { called: 'cam', from, publish: 'calls/phone', hear: 'live/cam' },
          { called: 'visitor', from, publish: 'calls/silent', hear: 'live/visitor' },
        ],
        outbound: { domains: ['127.0.0.1'] },
      },
    },
    { log: createLogger({ level: 'silent', format: 'json' }) },
  )
  base = `http://127.0.0.1:${gateway.doors.get('http')!.port}`
  pbx = `127.0.0.1:${gateway.doors.get('sip')!.port}`
  await runFfmpeg([
    '-f',
    'lavfi',
    '-i',
    `${halves('blue', 'red', '320x240')},fps=15`,
    '-t',
    '60',
    ...h264,
    film,
  ])
  chromium = await launchChromium()
  await publish()
})
afterAll(async () => {
  await chromium?.[Symbol.asyncDispose]()
  await gateway?.close()
  await stopPrograms()
  rmSync(folder, { recursive: true })
})

const names: Readonly<Record<string, string>> = {
  '001': 'blue',
  '100': 'red',
  '010': 'green',
  '111': 'white',
}
const nameOf = (rgb: readonly number[]): string =>
  names[rgb.map(value => Number(value > 90)).join('')] ?? `(${rgb})`

const WIDTH = 8
/** Of `rgb`, pictures of 8 by 1: the last one. */
const halvesOf = (rgb: readonly number[]): string =>
  [1, WIDTH - 2]
    .map(x => rgb.slice((x - WIDTH) * 3, (x - WIDTH + 1) * 3 || undefined))
    .map(nameOf)
    .join(' ')

/** What a picture, or the last of a film, has left and right. */
const colours = async (path: string): Promise<string> => {
  const small = `format=rgb24,scale=${WIDTH}:1:flags=area`
  const rgb = await runFfmpeg(['-i', path, '-an', '-vf', small, '-f', 'rawvideo', 'pipe:1'])
  return halvesOf([...rgb])
}

/** What a page plays, left and right. */
const shown = async (page: Page): Promise<string> =>
  halvesOf(
    await page.evaluate(width => {
      const canvas = Object.assign(document.createElement('canvas'), { width, height: 1 })
      const context = canvas.getContext('2d')!
      context.drawImage(document.querySelector('#player') as HTMLVideoElement, 0, 0, width, 1)
      return [...context.getImageData(0, 0, width, 1).data].filter((_, i) => i % 4 !== 3)
    }, WIDTH),
  )

const videoOf = (stream: string): TrackInfo =>
  gateway.registry.find(stream)!.tracks.find(({ kind }) => kind === 'video')!

test('a phone sees a publisher, and is seen by a player and in a browser', async () => {
  const phone = await startPhone('alice', { film })
  phone.dial(`sip:cam@${pbx}`)
  await phone.until('CALL_ESTABLISHED')
  const live = (): boolean => gateway.registry.find('calls/phone')?.state === 'ready'
  await until('its picture', live)

  const recorded = join(folder, 'phone.flv')
  await runFfmpeg(['-i', `${base}/calls/phone.flv`, '-t', '2', '-c', 'copy', recorded])
  const frames = [
    '-count_frames',
    '-select_streams',
    'v',
    '-show_entries',
    'stream=codec_name,width,nb_read_frames',
  ]
  const counted = await runProgram('ffprobe', ['-v', 'error', ...frames, '-of', 'csv=p=0', recorded])
  expect(counted.trim()).toMatch(/^h264,320,(2[5-9]|3\d)$/)
  expect(await colours(recorded)).toBe('blue red')

  const page = await chromium.open(`${base}/#/watch/calls/phone`)
  let seen = ''
  await until(
    () => `the browser shows ${seen}`,
    async () => {
      seen = await shown(page)
      return seen === 'blue red'
    },
  )
  // Neither of them waited for one that came by itself.
  expect(videoOf('calls/phone').stats!.keyframeRequests).toBeGreaterThan(1)

  const picturePath = join(folder, 'seen.png')
  await phone.seen(picturePath)
  expect(await colours(picturePath)).toBe('green white')
  await phone.stop()
})

test('a browser is asked for key frames when a phone asks by INFO, and a phone by INFO when a browser comes', async () => {
  const page = await chromium.open(`${base}/#/publish/live/visitor`)
  await page.locator('#publish-camera').click()
  await until('the visitor', () => gateway.registry.find('live/visitor')?.state === 'ready')
  const asked = (): number => videoOf('live/visitor').stats!.keyframeRequests
  const sipp = await startSipp('caller-picture', ['-s', 'visitor', '-m', '1'], pbx)
  const call = () => gateway.calls.list().find(({ route }) => route === 'visitor')
  await until('a key frame is there', () => (call()?.media[1]?.sent.packets ?? 0) > 0)
  const before = asked()
  await until('the browser is asked for another', () => asked() > before)
  await chromium.open(`${base}/#/watch/calls/silent`)
  await sipp.done
})

test('a phone that is called sees the camera of a browser', async () => {
  const phone = await startPhone('bob', { film, answers: true })
  const { id } = await gateway.calls.dial({ to: phone.uri, publish: 'calls/bob', hear: 'live/visitor' })
  await phone.until('CALL_ESTABLISHED')
  await until('pictures go', () => (gateway.calls.get(id).media[1]?.sent.packets ?? 0) > 60)
  const picture = join(folder, 'visitor.png')
  await phone.seen(picture)
  // Chromium's camera is a green one.
  expect(await colours(picture)).toBe('green green')
  await gateway.calls.hangup(id)
  await phone.stop()
})
