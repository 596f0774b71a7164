/** A publisher that is killed, frozen, or challenged by another, while real programs read what it sends. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { type Chromium, launchChromium } from '../helpers/chromium.ts'
import { clip } from '../helpers/clip.ts'
import { findStream, post } from '../helpers/crosspoint.ts'
import { decodeErrors, probe } from '../helpers/flv.ts'
import { type NginxRtmp, startNginxRtmp } from '../helpers/nginx-rtmp.ts'
import { captureConnections, countFrames } from '../helpers/page-measures.ts'
import { type Program, runProgram, startProgram, stopPrograms, until } from '../helpers/program.ts'
import { type LogLine, recordingLogger } from '../helpers/webrtc-gateway.ts'

let folder: string
let gateway: Gateway
let http: string
let rtmp: string
let nginx: NginxRtmp
let chromium: Chromium
let film: string
let slate: string
const log: LogLine[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'publisher-returns-'))
  film = await clip({ seconds: 30, size: '640x360', gop: 25 })
  slate = await clip({ seconds: 2, size: '320x180', gop: 25 })
  nginx = await startNginxRtmp()
  chromium = await launchChromium()
  const free = { listen: { port: 0 } }
  const rules = [
    { match: 'live/slated', slate },
    // Others with another key would wait for a minute.
    { match: 'live/frozen', takeOverAfterMs: 60_000 },
  ]
  const streams = { rules }
  const config = { http: free, rtmp: free, webrtc: free, recordings: { directory: folder }, streams }
  gateway = await createGateway(config, { log: recordingLogger(log) })
  http = `http://127.0.0.1:${gateway.doors.get('http')!.port}`
  rtmp = `rtmp://127.0.0.1:${gateway.doors.get('rtmp')!.port}`
})
afterAll(async () => {
  await chromium?.[Symbol.asyncDispose]()
  await stopPrograms()
  await gateway?.close({ code: 'shutdown' })
  await nginx?.stop()
  await rm(folder, { recursive: true })
})
afterEach(async () => {
  await Promise.all(publishers.splice(0).map(publisher => publisher.stop()))
})

const publishers: Program[] = []
const publish = (key: string): Program => {
  const program = startProgram('ffmpeg', [
    ...['-v', 'error', '-nostdin', '-re', '-i', film, '-c', 'copy', '-f', 'flv', `${rtmp}/${key}`],
  ])
  publishers.push(program)
  return program
}
/** Reads to the end of the stream. */
const readInto = (url: string, file: string): Program =>
  startProgram('ffmpeg', ['-v', 'error', '-nostdin', '-y', '-i', url, '-c', 'copy', '-f', 'flv', file])

const stateOf = (name: string): string | undefined => gateway.registry.find(name)?.state
const unitsOf = (name: string): number => gateway.registry.find(name)?.tracks[0]?.stats?.units ?? 0
const live = (name: string): Promise<void> =>
  until(
    () => `${name} is live: ${log.map(({ message }) => message).join('\n')}`,
    () => stateOf(name) === 'ready',
  )
const secondsMore = async (name: string, seconds: number): Promise<void> => {
  const from = unitsOf(name)
  await until(`${seconds} s of media`, () => unitsOf(name) > from + seconds * 25, 30_000)
}

interface Track {
  readonly times: readonly number[]
  readonly steps: readonly number[]
}
const tracksOf = async (file: string): Promise<{ video: Track; audio: Track; sound: string }> => {
  const { streams, packets } = await probe(file)
  const track = (codec: string): Track => {
    const index = streams.findIndex(({ codec_name }) => codec_name === codec)
    const times = packets.filter(({ stream }) => stream === index).map(({ dtsMs }) => dtsMs)
    return { times, steps: times.slice(1).map((time, i) => time - times[i]!) }
  }
  return { video: track('h264'), audio: track('aac'), sound: streams.map(s => s.codec_name).join() }
}

/** One hole, of the length of the absence; before and after it nothing is missing and nothing runs back. */
const expectOneHole = (track: Track, awayMs: number, usualMs: number): void => {
  expect(Math.min(...track.steps)).toBeGreaterThanOrEqual(0)
  const holes = track.steps.filter(step => step > 500)
  expect(holes).toHaveLength(1)
  expect(Math.abs(holes[0]! - awayMs)).toBeLessThan(400)
  for (const step of track.steps) if (step <= 500) expect(step).toBeLessThan(usualMs * 3)
}

describe('a publisher that is killed and comes back within the grace time', () => {
  test('ends no reader and no output: RTMP, recording, Chromium and a push to nginx go on', async () => {
    const name = 'live/returns'
    publish(name)
    await live(name)
    const pulled = readInto(`${rtmp}/${name}`, join(folder, 'pulled.flv'))
    const bridge = await post(`${http}/v1/bridges`, {
      from: `stream:${name}`,
      to: ['recorded.flv', nginx.url('returns')],
    })
    expect(bridge.status).toBe(201)
    const behind = readInto(nginx.url('returns'), join(folder, 'behind.flv'))
    const page: Page = await chromium.open('about:blank')
    await captureConnections(page)
    await page.goto(`${http}/#/watch/${name}`)
    await page.locator('.status[data-tone="live"]').waitFor({ timeout: 20_000 })
    await secondsMore(name, 2)
    const readers = gateway.registry.find(name)!.subscribers.map(({ label }) => label)
    expect(readers).toHaveLength(4)

    publishers[0]!.child.kill('SIGKILL')
    await until('it is missed', () => stateOf(name) === 'waiting')
    const lostAt = performance.now()
    expect(await findStream(http, name)).toMatchObject({ state: 'waiting' })
    await new Promise(resolve => setTimeout(resolve, 1000))
    publish(name)
    await live(name)
    const awayMs = performance.now() - lostAt
    await secondsMore(name, 1)
    const after = await countFrames(page, 2000)
    expect(after.decoded / after.seconds).toBeGreaterThan(20)
    expect(await page.evaluate(() => window.connections.length)).toBe(1)
    expect(gateway.registry.find(name)!.subscribers.map(({ label }) => label)).toEqual(readers)

    await publishers[1]!.stop()
    await until('the clean end', () => stateOf(name) === undefined)
    const { id } = (await bridge.json()) as { id: string }
    await fetch(`${http}/v1/bridges/${id}`, { method: 'DELETE' })
    expect(await pulled.exited).toBe(0)
    // nginx keeps its players when a publisher ends.
    await behind.stop()
    for (const file of ['pulled.flv', 'recorded.flv', 'behind.flv']) {
      const path = join(folder, file)
      const { video, audio } = await tracksOf(path)
      expectOneHole(video, awayMs, 40)
      expectOneHole(audio, awayMs, 23.2)
      // ffmpeg may be stopped in the midst of the last packet.
      const seconds = String((video.times.at(-1)! - video.times[0]!) / 1000 - 0.2)
      const decode = ['-v', 'error', '-nostdin', '-xerror', '-i', path, '-t', seconds, '-f', 'null', '-']
      expect(await runProgram('ffmpeg', decode), file).toBe('')
    }
  })
})

describe('a slate', () => {
  test('is shown while the publisher is away: no pause, and the picture begins anew at each change', async () => {
    const name = 'live/slated'
    publish(name)
    await live(name)
    const bridge = await post(`${http}/v1/bridges`, { from: `stream:${name}`, to: ['slated.flv'] })
    expect(bridge.status).toBe(201)
    await secondsMore(name, 2)
    publishers[0]!.child.kill('SIGKILL')
    await until('it is missed', () => stateOf(name) === 'waiting')
    await secondsMore(name, 2)
    expect(stateOf(name)).toBe('waiting')
    publish(name)
    await live(name)
    await secondsMore(name, 2)
    await publishers[1]!.stop()
    await until('the clean end', () => stateOf(name) === undefined)
    const { id } = (await bridge.json()) as { id: string }
    await fetch(`${http}/v1/bridges/${id}`, { method: 'DELETE' })

    const path = join(folder, 'slated.flv')
    const { video, audio } = await tracksOf(path)
    for (const { steps } of [video, audio]) {
      expect(Math.min(...steps)).toBeGreaterThanOrEqual(0)
      expect(Math.max(...steps)).toBeLessThan(400)
    }
    const decoded = async (kind: 'v' | 'a', entry: string): Promise<string[]> => {
      const what = ['-select_streams', kind, '-show_entries', `frame=${entry}`, '-of', 'csv=p=0']
      const said = await runProgram('ffprobe', ['-v', 'error', ...what, path])
      return said.split(/[,\n]+/).filter(text => text !== '')
    }
    expect(new Set(await decoded('a', 'nb_samples'))).toEqual(new Set(['1024']))
    const widths = await decoded('v', 'width')
    const changes = widths.filter((width, i) => width !== widths[i - 1])
    expect(changes).toEqual(['640', '320', '640'])
  })
})

describe('a name that is held', () => {
  test('by a frozen publisher with the same key: taken over at once, readers stay', async () => {
    const name = 'live/frozen'
    const first = publish(`${name}?token=mine`)
    await live(name)
    const pulled = readInto(`${rtmp}/${name}`, join(folder, 'frozen.flv'))
    await until('the reader', () => gateway.registry.find(name)?.subscribers.length === 1)
    await secondsMore(name, 2)
    const holder = gateway.registry.find(name)!.publisher
    first.child.kill('SIGSTOP')
    publish(`${name}?token=mine`)
    await until('the take-over', () => gateway.registry.find(name)?.publisher !== holder)
    await live(name)
    await secondsMore(name, 2)
    expect(gateway.registry.find(name)!.subscribers).toHaveLength(1)
    first.child.kill('SIGKILL')
    await publishers[1]!.stop()
    expect(await pulled.exited).toBe(0)
    const { video } = await tracksOf(join(folder, 'frozen.flv'))
    expect(Math.min(...video.steps)).toBeGreaterThanOrEqual(0)
    expect(video.times.length).toBeGreaterThan(75)
    expect(await decodeErrors(join(folder, 'frozen.flv'))).toBe('')
  })

  test('by one that sends, with another key: refused, and the live one does not notice', async () => {
    const name = 'live/challenged'
    publish(`${name}?token=mine`)
    await live(name)
    const holder = gateway.registry.find(name)!.publisher
    const other = publish(`${name}?token=yours`)
    expect(await other.exited).not.toBe(0)
    expect(log.map(({ fields }) => JSON.stringify(fields)).join('\n')).toMatch(
      /live\/challenged by rtmp [^"]* was heard \d+ ms ago; others may replace it after 2000 ms of silence/,
    )
    await secondsMore(name, 1)
    expect(gateway.registry.find(name)).toMatchObject({ publisher: holder, state: 'ready' })
  })

  test('by a frozen publisher with another key: taken over after the silence that is configured', async () => {
    const name = 'live/displaced'
    const first = publish(`${name}?token=mine`)
    await live(name)
    await secondsMore(name, 1)
    const holder = gateway.registry.find(name)!.publisher
    first.child.kill('SIGSTOP')
    const begin = performance.now()
    while (gateway.registry.find(name)?.publisher === holder)
      await Promise.race([publish(`${name}?token=yours`).exited, anotherOn(name, holder)])
    expect(performance.now() - begin).toBeGreaterThan(1900)
    first.child.kill('SIGKILL')
  })
})

const anotherOn = (name: string, holder: string | undefined): Promise<void> =>
  until('another publisher', () => gateway.registry.find(name)?.publisher !== holder)
