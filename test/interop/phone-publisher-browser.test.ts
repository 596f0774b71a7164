/**
 * One telephone call with everything in it: the phone hears an RTMP publisher and is heard in a browser, at the level
 * that was sent, before a hold, with keys in between, and after it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CallView } from '../../src/http/schemas/call.ts'
import { startPhone } from '../helpers/baresip.ts'
import { type Chromium, launchChromium } from '../helpers/chromium.ts'
import { publishTestSource, type Server, startServer, untilLive } from '../helpers/crosspoint.ts'
import { measureTone } from '../helpers/page-measures.ts'
import { freePort, stopPrograms, until } from '../helpers/program.ts'
import { frequencyOf, loudOf } from '../helpers/sound.ts'

/** ffmpeg's sine has an eighth of full scale; the phone says it at three times that. */
const SAID_DB = 20 * Math.log10(3 / 8)
/** What the browser's analyser shows of a sine: half of its amplitude, through a Blackman window. */
const ANALYSER_DB = 20 * Math.log10(0.42 / 2)

let folder: string
let server: Server
let chromium: Chromium
let sip: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'phone-publisher-browser-'))
  sip = `127.0.0.1:${await freePort()}`
  const config = join(folder, 'crosspoint.json')
  const routes = [{ called: '1000', from: 'loopback', publish: 'calls/phone', hear: 'live/cam' }]
  writeFileSync(config, JSON.stringify({ sip: { routes } }))
  server = await startServer(['--config', config, '--sip', sip])
  publishTestSource({ url: `${server.rtmp}/live/cam`, size: '160x120' })
  await untilLive(server.http, 'live/cam')
  chromium = await launchChromium()
})
afterAll(async () => {
  await chromium?.[Symbol.asyncDispose]()
  await stopPrograms()
  rmSync(folder, { recursive: true, force: true })
})

const theCall = async (): Promise<CallView> => {
  const { calls } = (await (await fetch(`${server.http}/v1/calls`)).json()) as { calls: CallView[] }
  return calls[0]!
}

test('a phone hears an RTMP publisher and is heard in a browser, through keys and a hold', async () => {
  const phone = await startPhone('alice', { tone: 700 })
  phone.dial(`sip:1000@${sip}`)
  await untilLive(server.http, 'calls/phone')
  const page = await chromium.open(`${server.http}/#/watch/calls/phone`)
  await page.locator('.status[data-tone="live"]').waitFor({ timeout: 20_000 })
  const isHeard = async (): Promise<void> => {
    let tone = { hertz: 0, level: 0 }
    await until(
      () => `the phone's tone in the browser, not ${tone.hertz} Hz at ${tone.level} dB`,
      async () => {
        tone = (await measureTone(page))[0]!
        return Math.abs(tone.hertz - 700) < 2 && Math.abs(tone.level - ANALYSER_DB - SAID_DB) < 1
      },
    )
  }
  await isHeard()
  await phone.press('12#')
  phone.hold()
  await until('held', async () => (await theCall()).hold === 'by-them')
  phone.resume()
  await until('resumed', async () => (await theCall()).hold === 'none')
  await isHeard()
  const { received, mos } = (await theCall()).media[0]!
  expect(received.lost).toBeLessThan(5)
  expect(mos).toBeGreaterThan(4)

  phone.command('hangup')
  await until('the end', async () => (await theCall()).state === 'ended')
  await phone.stop()
  const { rate, samples } = phone.heard()
  const loud = loudOf(samples, rate)
  expect(loud.length).toBeGreaterThan(rate / 2)
  expect(Math.abs(frequencyOf(loud, rate) - 1000)).toBeLessThan(15)
})
