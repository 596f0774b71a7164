/** A real telephone calls the gateway and is called by it: tones in at one end are measured at the other. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CallInfo } from '../../src/adapters/call-desk.ts'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { type Phone, startPhone } from '../helpers/baresip.ts'
import { publishTestSource } from '../helpers/crosspoint.ts'
import { freePort, stopPrograms, until } from '../helpers/program.ts'
import { startSipp } from '../helpers/sipp.ts'
import { frequencyOf, loudOf, runFfmpeg } from '../helpers/sound.ts'

const free = { listen: { host: '127.0.0.1', port: 0 } }
let gateway: Gateway
let base: string
let pbx: string
let pbx6: string

beforeAll(async () => {
  const from = 'loopback'
  const six = await freePort()
  gateway = await createGateway(
    {
      ...{ http: free, rtmp: free, webrtc: free },
      sip: {
        ...free,
        listeners: [{ listen: { host: '::1', port: six } }],
        routes: [
          { called: '1000', from, publish: 'calls/{callId}', hear: 'live/cam' },
          { called: '2000', from, publish: 'calls/{callId}', hear: 'live/cam', pin: '4711' },
        ],
        outbound: { domains: ['127.0.0.1'] },
      },
    },
    { log: createLogger({ level: 'silent', format: 'json' }) },
  )
  base = `http://127.0.0.1:${gateway.doors.get('http')!.port}`
  pbx = `127.0.0.1:${gateway.doors.get('sip')!.port}`
  pbx6 = `[::1]:${six}`
  publishTestSource({ url: `rtmp://127.0.0.1:${gateway.doors.get('rtmp')!.port}/live/cam`, size: '160x120' })
  await until('the publisher', () => gateway.registry.find('live/cam')?.state === 'ready')
})
afterAll(async () => {
  await gateway.close()
  await stopPrograms()
})

const theCall = (): CallInfo => gateway.calls.list()[0]!
const callOf = async (phone: Phone): Promise<CallInfo> => {
  await phone.until('CALL_ESTABLISHED')
  await until('the call is live', () => theCall()?.state === 'live')
  return theCall()
}

/** What a player of the stream hears, for so many seconds. */
const played = async (stream: string, seconds: number): Promise<Float32Array> => {
  const raw = await runFfmpeg([
    ...['-analyzeduration', '200000', '-i', `${base}/${stream}.flv`, '-t', String(seconds)],
    ...['-vn', '-ac', '1', '-ar', '8000'],
    ...['-f', 'f32le', 'pipe:1'],
  ])
  return new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + (raw.length & ~3)))
}

test('a phone hears the publisher and is heard; its keys are events', async () => {
  const keys: string[] = []
  const off = gateway.calls.on(event => void (event.type === 'call:dtmf' && keys.push(event.digit)))
  const phone = await startPhone('alice')
  phone.dial(`sip:1000@${pbx}`)
  const call = await callOf(phone)
  expect(call).toMatchObject({ direction: 'inbound', route: '1000', hear: 'live/cam' })
  const said = await played(call.publish!, 1)
  expect(Math.abs(frequencyOf(said.subarray(2000), 8000) - 700)).toBeLessThan(5)
  await phone.press('12#')
  await until(
    () => `the keys, not ${keys}`,
    () => keys.join('') === '12#',
  )
  off()
  const sound = theCall().media[0]!
  expect(sound.received.lost).toBeLessThan(3)
  expect(sound.mos).toBeGreaterThan(4)
  phone.command('hangup')
  await until('the end', () => gateway.calls.get(call.id).state === 'ended')
  expect(gateway.calls.get(call.id).reason).toMatchObject({ by: 'them' })
  expect(gateway.registry.find(call.publish!)).toBeUndefined()
  await phone.stop()
  const { rate, samples } = phone.heard()
  const tone = loudOf(samples, rate)
  expect(tone.length / rate).toBeGreaterThan(0.5)
  expect(Math.abs(frequencyOf(tone, rate) - 1000)).toBeLessThan(15)
})

test('through hold and resume of a phone the sound goes on both ways', async () => {
  const phone = await startPhone('holder')
  phone.dial(`sip:1000@${pbx}`)
  const call = await callOf(phone)
  for (let round = 0; round < 2; round++) {
    phone.hold()
    await until('held', () => theCall().hold === 'by-them')
    phone.resume()
    await until('resumed', () => theCall().hold === 'none')
    const { received, sent } = theCall().media[0]!
    await until('media goes both ways', () => {
      const now = theCall().media[0]!
      return now.received.packets > received.packets + 40 && now.sent.packets > sent.packets + 40
    })
  }
  const said = await played(call.publish!, 1)
  expect(Math.abs(frequencyOf(said.subarray(2000), 8000) - 700)).toBeLessThan(5)
  await phone.stop()
})

test.for(['IPv4', 'IPv6'])(
  '%s: what a caller hears after hold and resume comes back as its echo',
  async family => {
    const six = ['-i', '[::1]', '-mi', '::1']
    const [target, own] = family === 'IPv6' ? [pbx6, six] : [pbx, []]
    const sipp = await startSipp('caller-echo', ['-s', '1000', '-m', '1', '-rtp_echo', ...own], target)
    await until('held', () => theCall()?.hold === 'by-them')
    await until('resumed', () => theCall().hold === 'none')
    const echo = loudOf(await played(theCall().publish!, 1), 8000)
    expect(echo.length).toBeGreaterThan(4000)
    expect(Math.abs(frequencyOf(echo, 8000) - 1000)).toBeLessThan(15)
    expect(theCall().media[0]!.remote).toContain(family === 'IPv6' ? '[::1]:' : '127.0.0.1:')
    await sipp.done
  },
)

test.for(['g722', 'opus'] as const)('a phone that speaks %s is called and hears', async codec => {
  const phone = await startPhone('bob', { answers: true, codecs: [codec], tone: 500 })
  const { id } = await gateway.calls.dial({ to: phone.uri, publish: `from/${codec}`, hear: 'live/cam' })
  await phone.until('CALL_ESTABLISHED')
  await until('live', () => gateway.calls.get(id).state === 'live')
  const said = await played(`from/${codec}`, 1)
  expect(Math.abs(frequencyOf(said.subarray(2000), 8000) - 500)).toBeLessThan(5)
  expect(gateway.calls.get(id).media[0]).toMatchObject({ codec, direction: 'sendrecv' })
  await gateway.calls.hangup(id)
  await phone.until('CALL_CLOSED')
  await phone.stop()
  const { rate, samples } = phone.heard()
  const tone = loudOf(samples, rate)
  expect(tone.length / rate).toBeGreaterThan(0.5)
  expect(Math.abs(frequencyOf(tone, rate) - 1000)).toBeLessThan(15)
})

test('a phone that insists on SRTP is heard, and passes itself on to another when it is asked to', async () => {
  const carol = await startPhone('carol', { answers: true, account: ';mediaenc=srtp-mand' })
  const alice = await startPhone('alice', { account: ';mediaenc=srtp-mand', tone: 800 })
  alice.dial(`sip:1000@${pbx}`)
  const call = await callOf(alice)
  expect(call.media[0]).toMatchObject({ srtp: true })
  const said = await played(call.publish!, 1)
  expect(Math.abs(frequencyOf(said.subarray(2000), 8000) - 800)).toBeLessThan(5)
  const result = await gateway.calls.transfer(call.id, carol.uri)
  expect(result).toMatchObject({ done: true, code: 200 })
  await carol.until('CALL_ESTABLISHED')
  await until('the call here is over', () => gateway.calls.get(call.id).state === 'ended')
  expect(gateway.calls.get(call.id).reason?.detail).toContain('transferred to')
  await Promise.all([alice.stop(), carol.stop()])
})
