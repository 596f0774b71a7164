/** Gateways and a telephone call each other over TLS: sound and pictures both ways, as encrypted RTP on real ports. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { startPhone } from '../helpers/baresip.ts'
import { makeCertificates, type TestCertificates } from '../helpers/certificates.ts'
import { publishTestSource } from '../helpers/crosspoint.ts'
import { runProgram, stopPrograms, until } from '../helpers/program.ts'
import { frequencyOf, loudOf } from '../helpers/sound.ts'

const free = { listen: { host: '127.0.0.1', port: 0 } }
const doors = { http: free, rtmp: free, webrtc: free }
const log = createLogger({ level: 'silent', format: 'json' })
let certificates: TestCertificates
let called: Gateway
let caller: Gateway
let stranger: Gateway

const portOf = (gateway: Gateway, door: string): number => gateway.doors.get(door)!.port
const httpOf = (gateway: Gateway): string => `http://127.0.0.1:${portOf(gateway, 'http')}`

beforeAll(async () => {
  certificates = await makeCertificates()
  const { ca, cert, key } = certificates
  const routes = [{ called: '1000', from: 'loopback', publish: 'calls/one', hear: 'live/cam' }]
  called = await createGateway(
    { ...doors, sip: { ...free, tls: { ...free, cert, key }, routes, srtp: 'required' } },
    { log },
  )
  const outbound = { domains: ['127.0.0.1'] }
  caller = await createGateway({ ...doors, sip: { outbound, trust: { caFile: ca } } }, { log })
  stranger = await createGateway({ ...doors, sip: { outbound } }, { log })
  for (const [gateway, size] of [
    [called, '320x240'],
    [caller, '160x120'],
  ] as const) {
    publishTestSource({ url: `rtmp://127.0.0.1:${portOf(gateway, 'rtmp')}/live/cam`, size })
    await until('the publisher', () => gateway.registry.find('live/cam')?.state === 'ready')
  }
})
afterAll(async () => {
  await Promise.all([called, caller, stranger].map(gateway => gateway?.close()))
  await stopPrograms()
  await certificates?.[Symbol.asyncDispose]()
})

/** What ffprobe decodes of two seconds: kinds with their sizes, and errors. */
const decoded = async (gateway: Gateway, stream: string): Promise<string> =>
  runProgram('ffmpeg', [
    ...['-hide_banner', '-v', 'error', '-i', `${httpOf(gateway)}/${stream}.flv`, '-t', '2'],
    ...['-map', '0:v', '-map', '0:a', '-f', 'framehash', '-hash', 'adler32', '-'],
  ])

test('a video call over TLS with SRTP: each end shows and hears the other', async () => {
  const to = `sips:1000@127.0.0.1:${portOf(called, 'sips')}`
  const { id } = await caller.calls.dial({ to, publish: 'from/called', hear: 'live/cam' })
  await until(
    () => `it is live: ${JSON.stringify(caller.calls.get(id).reason)}`,
    () => caller.calls.get(id).state === 'live',
  )
  const lines = caller.calls.get(id).media.map(({ kind, codec, srtp }) => `${kind} ${codec} ${srtp}`)
  expect(lines).toEqual(['audio opus true', 'video h264 true'])
  expect(called.calls.list()[0]!.peer).toMatch(/^tls /)

  const [there, here] = await Promise.all([decoded(called, 'calls/one'), decoded(caller, 'from/called')])
  for (const [text, size] of [
    [there, '160x120'],
    [here, '320x240'],
  ] as const) {
    expect(text).toContain(`#dimensions 0: ${size}`)
    expect(text.split('\n').filter(line => line.startsWith('0,')).length).toBeGreaterThan(30)
    expect(text.split('\n').filter(line => line.startsWith('1,')).length).toBeGreaterThan(50)
  }
  await caller.calls.hangup(id, 'enough seen')
  await until('the other end knows', () => called.calls.list()[0]!.state === 'ended')
  expect(called.calls.list()[0]!.reason).toMatchObject({
    by: 'them',
    detail: expect.stringContaining('enough seen'),
  })
})

test('a telephone calls over TLS with SRTP: it hears and is heard', async () => {
  const phone = await startPhone('alice', {
    ...{ transport: 'tls', authority: certificates.ca, account: ';mediaenc=srtp-mand' },
  })
  phone.dial(`sip:1000@127.0.0.1:${portOf(called, 'sips')};transport=tls`)
  await phone.until('CALL_ESTABLISHED')
  const theCall = () => called.calls.list().find(({ from }) => from.includes('alice'))!
  await until(
    () => `three seconds of sound both ways: ${JSON.stringify(theCall())}`,
    () => {
      const { received, sent } = theCall().media[0]!
      return received.packets > 150 && sent.packets > 150
    },
  )
  expect(theCall().peer).toMatch(/^tls /)
  expect(theCall().media[0]).toMatchObject({ codec: 'pcmu', srtp: true, received: { lost: 0 } })
  await called.calls.hangup(theCall().id)
  await phone.until('CALL_CLOSED')
  await phone.stop()
  const { rate, samples } = phone.heard()
  const loud = loudOf(samples, rate)
  expect(loud.length).toBeGreaterThan(rate / 2)
  expect(Math.abs(frequencyOf(loud, rate) - 1000)).toBeLessThan(15)
})

test('a certificate that nobody vouches for is not spoken to', async () => {
  const { id } = await stranger.calls.dial({ to: `sips:1000@127.0.0.1:${portOf(called, 'sips')}` })
  await until('it fails', () => stranger.calls.get(id).state === 'ended')
  expect(stranger.calls.get(id).reason?.detail).toMatch(/certificate/i)
})
