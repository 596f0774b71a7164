/**
 * Calls on the page: a visitor answers a telephone, calls one, is heard there and hears it, keys in and hangs up.
 * Need not run alone.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startPhone } from '../helpers/baresip.ts'
import { type Chromium, launchChromium } from '../helpers/chromium.ts'
import { type Server, startServer } from '../helpers/crosspoint.ts'
import { freePort, stopPrograms, until } from '../helpers/program.ts'

let folder: string
let server: Server
let chromium: Chromium
let sip: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'page-calls-'))
  sip = `127.0.0.1:${await freePort()}`
  const config = join(folder, 'crosspoint.json')
  const routes = [
    { called: 'desk', from: ['127.0.0.1/32'], publish: 'calls/desk', hear: 'desk/voice' },
    { called: 'safe', from: ['127.0.0.1/32'], publish: 'calls/safe', pin: '4711' },
  ]
  const outbound = { domains: ['127.0.0.1'], numbers: ['+49'] }
  // Nobody is there: what matters is that calls go that way.
  const proxy = `sip:127.0.0.1:${await freePort()}`
  const trunks = { carrier: { uri: 'sip:us@carrier.example', proxy, from: ['192.0.2.1'] } }
  writeFileSync(config, JSON.stringify({ sip: { routes, outbound, trunks } }))
  server = await startServer(['--config', config, '--sip', sip])
  chromium = await launchChromium()
})
afterAll(async () => {
  await chromium?.[Symbol.asyncDispose]()
  await stopPrograms()
  rmSync(folder, { recursive: true, force: true })
})

interface Call {
  readonly media: readonly { readonly received: { packets: number }; readonly sent: { packets: number } }[]
}
const soundBothWays = async (): Promise<boolean> => {
  const { calls } = (await (await fetch(`${server.http}/v1/calls`)).json()) as { calls: readonly Call[] }
  const [line] = calls[0]?.media ?? []
  return line !== undefined && line.received.packets > 50 && line.sent.packets > 50
}
/** Sound comes out: the peak of what the page plays, 0 to 1. */
const loudness = (page: Awaited<ReturnType<Chromium['open']>>): Promise<number> =>
  page.evaluate(async () => {
    const { srcObject } = document.querySelector('#speaker') as HTMLAudioElement
    if (!(srcObject instanceof MediaStream) || srcObject.getAudioTracks().length === 0) return 0
    const context = new AudioContext()
    const analyser = new AnalyserNode(context, { fftSize: 2048 })
    context.createMediaStreamSource(srcObject).connect(analyser)
    await new Promise(resolve => setTimeout(resolve, 200))
    const samples = new Float32Array(analyser.fftSize)
    analyser.getFloatTimeDomainData(samples)
    await context.close()
    return Math.max(...samples.map(Math.abs))
  })

test('a telephone rings at the page and is answered there', async () => {
  const page = await chromium.open(`${server.http}/#/calls`)
  await page.getByText('Nobody is on the telephone').waitFor()
  const phone = await startPhone('visitor')
  phone.dial(`sip:desk@${sip}`)
  const card = page.locator('[data-call]').first()
  await card.getByRole('button', { name: /^Answer/ }).focus()
  await page.keyboard.press('Enter')
  await phone.until('CALL_ESTABLISHED')
  await page.setViewportSize({ width: 375, height: 800 })
  const fits = await page.evaluate(() =>
    [...document.querySelectorAll('nav a, [data-call] button')].every(
      element => element.getBoundingClientRect().right <= innerWidth,
    ),
  )
  expect(fits).toBe(true)
  await page.locator('.title .status[data-tone="live"]').getByText('You are heard').waitFor()
  await card.locator('.facts').getByText('µ-law').waitFor()
  await card.getByRole('button', { name: 'Stop talking' }).waitFor()
  expect(await card.getByRole('button', { name: /^Talk/ }).count()).toBe(0)
  await until('sound goes both ways', soundBothWays)
  await until('the telephone is heard', async () => (await loudness(page)) > 0.05)
  await card.getByRole('button', { name: /^Hold/ }).click()
  await card.getByText('held by us').waitFor()
  await card.getByRole('button', { name: /^Resume/ }).click()
  await card.getByRole('button', { name: /^Hang up/ }).click()
  await phone.until('CALL_CLOSED')
  await page.locator('[data-call][data-state="ended"]').waitFor()
  await phone.stop()
  const { samples } = phone.heard()
  expect(Math.max(...samples.map(Math.abs))).toBeGreaterThan(0.02)
})

test('a visitor calls a telephone with the microphone', async () => {
  const page = await chromium.open(`${server.http}/#/calls`)
  const phone = await startPhone('far', { answers: true })
  await page.locator('#dial-to').fill('sip:nobody@192.0.2.77')
  await page.keyboard.press('Enter')
  await page.locator('.status[data-tone="bad"]').first().waitFor()
  await page.locator('#dial-to').fill(phone.uri)
  await page.keyboard.press('Enter')
  await phone.until('CALL_ESTABLISHED')
  await page.locator('[data-call][data-state="live"]').waitFor()
  await until('the telephone is heard', async () => (await loudness(page)) > 0.05)
  const card = page.locator('[data-call][data-state="live"]')
  await card.locator('summary').click()
  await card.getByRole('button', { name: 'Key 5' }).click()
  await until('the digit arrives', () => phone.events.some(({ type }) => type === 'CALL_DTMF_START'))
  await card.getByRole('button', { name: /^Hang up/ }).click()
  await phone.until('CALL_CLOSED')
  await phone.stop()
})

test('a caller that is asked for a PIN is shown as one that waits', async () => {
  const page = await chromium.open(`${server.http}/#/calls`)
  const phone = await startPhone('waiting')
  phone.dial(`sip:safe@${sip}`)
  const card = page.locator('[data-call][data-state="live"]')
  await card
    .locator('.status[data-tone="busy"]')
    .getByText(/^live · waits for a PIN/)
    .waitFor()
  await card.getByText('hears no stream yet').waitFor()
  await card.getByRole('button', { name: /^Hang up/ }).click()
  await phone.until('CALL_CLOSED')
  await phone.stop()
})

test('a number is called through a trunk that is chosen', async () => {
  const page = await chromium.open(`${server.http}/#/calls`)
  await page.getByLabel('Through').selectOption('carrier')
  await page.locator('#dial-to').fill('+49 (30) 123-45')
  await page.locator('#dial-hear').fill('live/cam')
  await page.locator('#dial').click()
  await page.locator('[data-call]').getByText('sip:+493012345@carrier.example').waitFor()
  const { calls } = (await (await fetch(`${server.http}/v1/calls`)).json()) as {
    calls: { account: string }[]
  }
  expect(calls.map(({ account }) => account)).toContain('carrier')
})
